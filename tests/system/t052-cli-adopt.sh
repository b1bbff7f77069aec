#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t052-cli-adopt - taking over an existing queue, and giving it back exactly as it was; also when cut in the middle.
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2016
. "$(dirname "$0")/lib.sh"

lab_start
need python3 ippeveprinter cupsd
[ -s "$LAB_PPD" ] || skip_all "needs the queue's PPD"
[ -x "$LAB_BACKEND" ] || skip_all "needs the backend: cupsd takes no device URI without it"
export STILLPRINT_CONF=$LAB/etc/stillprint.conf STILLPRINT_PPD=$LAB_PPD
lab_printer mfp
lab_cupsd server
lab_cupsd local
lab_queue server Office "$(printer_uri mfp)"
nap 0.5 # its PPD is made in a thread; a request at that moment has ended cupsd 2.4.2
export CUPS_SERVER STILLPRINT_CUPS_ROOT=$LAB/local/etc
CUPS_SERVER=$(cups_socket local)
out=$LAB/out

exits()
{
	local code=$1 rc
	shift
	"$@" >"$out" 2>"$out.err" </dev/null
	rc=$?
	[ "$rc" -eq "$code" ] || { echo "exit $rc, not $code: $*" && cat "$out" "$out.err" && return 1; }
}
says() { grep -qF -- "$1" "$out" "$out.err" || { echo "does not say: $1" && cat "$out" "$out.err" && return 1; }; }
adopt() { stillprint setup --adopt "$@" --yes; }

printf '%s\n' '{' 'OPERATION Get-Printer-Attributes' 'GROUP operation-attributes-tag' \
	'ATTR charset attributes-charset utf-8' 'ATTR language attributes-natural-language en' \
	'ATTR uri printer-uri $uri' '}' >"$LAB/get-printer.test"
# Every attribute but the clocks, the PPD, the entry in printers.conf without its times
dump()
{
	ipptool -tv "ipp://localhost:$(cups_port local)/printers/$1" "$LAB/get-printer.test" | grep -a ' = ' |
		grep -avE '^ *(printer-up-time|printer-current-time|marker-change-time|printer-(state|config)-change-[a-z-]*) '
	cat "$LAB/local/etc/ppd/$1.ppd" 2>/dev/null
	sed -n "/^<[A-Za-z]*Printer $1>/,/^<\/Printer>/p" "$LAB/local/etc/printers.conf" | grep -avE '^(StateTime|ConfigTime) '
}
device() { lab_cups local lpstat -v "$1" | sed "s/^device for $1: //"; }
# cupsd reads an "everywhere" PPD in a thread of its own, and writes what it made of it only with the next change
settle()
{
	wait_for 5 grep -q . "$LAB/local/etc/ppd/$1.ppd"
	nap 0.2
	lab_cups local lpadmin -p "$1" -o printer-op-policy=default
	nap 0.2
}
printed() { dump "$1" >"$LAB/$1.$2"; }
# the same as before, but for what adoption is about
like_before() { diff "$LAB/$1.before" "$LAB/$1.after"; }

# ---- an IPP Everywhere queue with everything set that can be

lab_queue local Office "$(cups_uri server Office)" everywhere -D "Our printer" -L "2nd floor" \
	-o printer-is-shared=true -o printer-error-policy=abort-job -o number-up-default=2 \
	-o media-default=iso_a5_148x210mm -o job-sheets-default=standard,none -o PageSize=A5 -u deny:mallory
lab_cups local lpadmin -d Office
lab_cups local lpadmin -p Office -v "$(cups_uri server Office)?waitjob=true"
settle Office
printed Office before
as "$LAB_USER" lpoptions -h "$CUPS_SERVER" -p Office -o number-up=2
cp "$LAB/home/$LAB_USER/.cups/lpoptions" "$LAB/lpoptions.before" || die "no options of a user"

first() { exits 0 adopt Office && says "is taken over" && same "$(device Office)" stillprint:Office &&
	grep -qxF "upstream = $(cups_uri server Office)" "$LAB/etc/stillprint.conf.d/Office.conf"; }
check "a queue is taken over; its URI is the upstream, without CUPS' own options" first
printed Office during
keeps() { diff <(grep -aE "printer-(info|location|uuid)|number-up-default|job-sheets-default|denied" "$LAB/Office.before") \
	<(grep -aE "printer-(info|location|uuid)|number-up-default|job-sheets-default|denied" "$LAB/Office.during"); }
check "it keeps name, description, place, users' rights and printer defaults" keeps
default() { same "$(lab_cups local lpstat -d)" "system default destination: Office"; }
check "it is still the default" default
check "users' options are untouched" cmp "$LAB/home/$LAB_USER/.cups/lpoptions" "$LAB/lpoptions.before"
private() { same "$(stat -c %a:%U "$LAB/state/adopted/Office")" 700:root; }
check "what it was is kept for root only" private
again() { exits 0 adopt Office && says "Nothing to change"; }
check "a second run changes nothing and says so" again
more() { exits 0 adopt Office --fallback "$(printer_uri mfp)" && exits 0 adopt Office && says "Nothing to change"; }
check "a fallback can be added later" more
not_removed() { exits 1 stillprint setup --remove Office --yes && says "--undo"; }
check "--remove points to --undo" not_removed
undo() { exits 0 adopt --undo Office && says "as it was before" && [ ! -e "$LAB/etc/stillprint.conf.d/Office.conf" ] &&
	[ ! -e "$LAB/state/adopted" ]; }
check "--undo gives it back, and leaves nothing behind" undo
printed Office after
check "every attribute, the PPD and the entry are as before" like_before Office
check "it is the default as before" default
undo_again() { exits 0 adopt --undo Office && says "Nothing to undo"; }
check "a second --undo changes nothing and says so" undo_again

# ---- a raw queue

lab_queue local Raw "$(printer_uri mfp)" raw -o printer-is-shared=true
printed Raw before
raw() { exits 0 adopt Raw && dump Raw | grep -qx " *printer-is-shared (boolean) = false" && exits 0 adopt --undo Raw && printed Raw after && like_before Raw; }
check "a shared queue without PPD is not shared meanwhile, and goes there and back" raw

# ---- a URI with a password, which cupsd does not tell

if [ -r /etc/pam.d/cups ]; then
	lab_user stilladopt "geheim"
	id stillprint >/dev/null 2>&1 || lab_user stillprint
	lab_queue server Locked "$(printer_uri mfp)" everywhere -o printer-op-policy=authenticated
	nap 0.5
	locked=$(cups_uri server Locked ipps)
	lab_queue local Locked "${locked/:\/\//:\/\/stilladopt:geheim@}" raw
	printed Locked before
	echo geheim >"$LAB/password"
	wants() { exits 1 adopt Locked && says "has a user and password in its URI" && ! grep -q geheim "$out" "$out.err"; }
	check "a URI with a login wants the login as options" wants
	with_login() { exits 0 adopt Locked --user stilladopt --password-file "$LAB/password" &&
		! grep -r geheim "$LAB/etc/stillprint.conf.d"; }
	check "with them it is taken over, and the password is in no section" with_login
	login_back() { exits 0 adopt --undo Locked && printed Locked after && like_before Locked &&
		grep -q stilladopt:geheim "$LAB/local/etc/printers.conf"; }
	check "and goes back with its login" login_back
else
	skip "a URI with a login" "needs /etc/pam.d/cups"
fi

# ---- what cannot be taken over stays as it is

refused()
{
	local text=$1 code=$2 before
	shift 2
	before=$(dump "$1" && find "$LAB/etc" "$LAB/state")
	exits "$code" adopt "$@" && says "$text" && same "$(dump "$1" && find "$LAB/etc" "$LAB/state")" "$before"
}
lab_queue local Usb file:///dev/null raw
lab_queue local Dead ipp://127.0.0.1:9/printers/x raw
check "another protocol is refused, with the way out" refused "name it with --upstream" 1 Usb
check "a server that does not answer is refused" refused "Nothing was changed" 1 Dead
check "a queue that is not there ends with 3" refused "There is no queue" 3 Nothing
stillprint setup Made --upstream "$(cups_uri server Office)" --yes >/dev/null
check "a queue that setup made is not adopted" refused "was never another" 1 Made
check "and is not undone" refused "was made by setup" 1 Made --undo
over() { exits 0 adopt Usb --upstream "$(cups_uri server Office)" && exits 0 adopt --undo Usb &&
	same "$(device Usb)" ///dev/null; }
check "a named --upstream takes over a queue of another protocol" over

# ---- interrupted

lab_queue local Cut "$(cups_uri server Office)"
settle Cut
printed Cut before
saved_only() {
	exits 0 adopt Cut && cp -a "$LAB/state/adopted/Cut" "$LAB/saved" && exits 0 adopt --undo Cut &&
		install -d -m 700 "$LAB/state/adopted" && mv "$LAB/saved" "$LAB/state/adopted/Cut" &&
		mkdir "$LAB/state/adopted/Cut.new" && echo half >"$LAB/state/adopted/Cut.new/printer.ipp" &&
		exits 0 adopt Cut && exits 0 adopt --undo Cut && printed Cut after && like_before Cut
}
check "cut after saving: a second run finishes" saved_only
taken_only() {
	exits 0 adopt Cut && rm "$LAB/etc/stillprint.conf.d/Cut.conf" && exits 0 adopt Cut &&
		grep -qxF "upstream = $(cups_uri server Office)" "$LAB/etc/stillprint.conf.d/Cut.conf" &&
		exits 0 adopt --undo Cut && printed Cut after && like_before Cut
}
check "without its section, a second run knows the upstream again" taken_only
half_undone() {
	exits 0 adopt Cut && cp -a "$LAB/state/adopted/Cut" "$LAB/saved" && exits 0 adopt --undo Cut &&
		install -d -m 700 "$LAB/state/adopted" && mv "$LAB/saved" "$LAB/state/adopted/Cut" &&
		exits 0 adopt --undo Cut && printed Cut after && like_before Cut && [ ! -e "$LAB/state/adopted/Cut" ]
}
check "cut in the middle of --undo: a second one finishes" half_undone
killed() {
	local i
	for i in 2 5 8 12 16 20 30; do
		timeout -s KILL "0.0$(printf %02d "$i")" stillprint setup --adopt Cut --yes >/dev/null 2>&1
		if ! { exits 0 adopt --undo Cut && printed Cut after && like_before Cut; }; then
			echo "killed after $i ms" && return 1
		fi
	done
}
check "killed at any time, --undo gives it back" killed
plan_done
