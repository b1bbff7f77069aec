#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t051-cli-setup - `stillprint setup` against a real cupsd, a real print server and real printers, all private.
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2016
. "$(dirname "$0")/lib.sh"

lab_start
need python3 ippeveprinter cupsd
[ -s "$LAB_PPD" ] || skip_all "needs the queue's PPD"
[ -x "$LAB_BACKEND" ] || skip_all "needs the backend: cupsd takes no device URI without it"
export STILLPRINT_CONF=$LAB/etc/stillprint.conf STILLPRINT_PPD=$LAB_PPD
lab_printer mfp
lab_printer raster --raster
lab_cupsd server
lab_cupsd kerberos "DefaultAuthType Negotiate"
lab_cupsd local
lab_queue server Office "$(printer_uri mfp)" || die "no server queue"
lab_queue server Locked "$(printer_uri mfp)" everywhere -o printer-op-policy=authenticated
lab_queue server Held "$(printer_uri mfp)" everywhere -o job-hold-until-default=indefinite
lab_queue kerberos Kerberos "$(printer_uri mfp)" everywhere -o printer-op-policy=authenticated
lab_queue local Label "file:///dev/null" raw
nap 0.5 # PPDs are made in a thread; a request at that moment has ended cupsd 2.4.2
export CUPS_SERVER
CUPS_SERVER=$(cups_socket local)
out=$LAB/out
drop_in=$LAB/etc/stillprint.conf.d

exits()
{
	local code=$1 rc
	shift
	"$@" >"$out" 2>"$out.err" </dev/null
	rc=$?
	[ "$rc" -eq "$code" ] || { echo "exit $rc, not $code: $*" && cat "$out" "$out.err" && return 1; }
}
says() { grep -qF -- "$1" "$out" "$out.err" || { echo "does not say: $1" && cat "$out" "$out.err" && return 1; }; }
field() { python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$out" "$1"; }
setup() { stillprint setup "$@" --yes; }
has_line() { grep -qxF -- "$2" "$1" || { cat "$1" && return 1; }; }
printf '%s\n' '{' 'OPERATION Get-Printer-Attributes' 'GROUP operation-attributes-tag' \
	'ATTR charset attributes-charset utf-8' 'ATTR language attributes-natural-language en' \
	'ATTR uri printer-uri $uri' '}' >"$LAB/get-printer.test"
attributes_of() { ipptool -tv "ipp://localhost:$(cups_port local)/printers/$1" "$LAB/get-printer.test"; }
# everything that setup may change
picture() { find "$LAB/etc" "$LAB/state" -type f -exec sha256sum {} + | sort && lab_cups local lpstat -v -p -d -a; }
# refused CODE TEXT ARGUMENTS... - it ends so, says so, and nothing has changed
refused()
{
	local code=$1 text=$2 before
	shift 2
	before=$(picture)
	exits "$code" setup "$@" && says "$text" && same "$(picture)" "$before"
}

# ---- made once

first() { exits 0 setup --upstream "$(cups_uri server Office)" && says "Queue Office is made in CUPS"; }
check "setup names the queue after the upstream's path" first
check "the section has the upstream" has_line "$drop_in/Office.conf" "upstream = $(cups_uri server Office)"
made() {
	same "$(lab_cups local lpstat -v Office)" "device for Office: stillprint:Office" &&
		attributes_of Office >"$LAB/attributes" &&
		grep -q 'printer-op-policy .* = authenticated' "$LAB/attributes" &&
		grep -q 'printer-error-policy .* = retry-job' "$LAB/attributes" &&
		grep -q 'printer-is-shared .* = false' "$LAB/attributes" &&
		grep -q 'printer-is-accepting-jobs .* = true' "$LAB/attributes" &&
		grep -q 'printer-state .* = idle' "$LAB/attributes"
}
check "the queue is ours: policies, not shared, open" made
again() { before=$(picture) && exits 0 setup --upstream "$(cups_uri server Office)" && says "Nothing to change" &&
	same "$(picture)" "$before"; }
check "a second run changes nothing and says so" again
again_json() { exits 0 setup Office --json && same "$(field changed)/$(field upstream.pdf)/$(field on_outage)" False/True/ask; }
check "and says so in JSON" again_json

full=(--upstream "$(cups_uri server Office)" --same-printer --fallback cups:Label --fallback ipp://127.0.0.1:9/ipp/print
	--on-outage hold --default)
changed() { exits 0 setup "${full[@]}" && says "reachable, PDF, not encrypted" && says "unreachable, connection refused" &&
	same "$(grep '^fallback' "$drop_in/Office.conf")" "fallback = $(printer_uri mfp)
fallback = cups:Label
fallback = ipp://127.0.0.1:9/ipp/print" && has_line "$drop_in/Office.conf" "on-outage = hold"; }
check "the device behind the server comes first, then the named; a dead one is a warning" changed
is_default() { same "$(lab_cups local lpstat -d)" "system default destination: Office"; }
check "and it is the default printer" is_default
again_full() { exits 0 setup "${full[@]}" && says "Nothing to change"; }
check "that run again changes nothing" again_full
kept() { exits 0 setup Office --on-outage ask && same "$(grep -c '^fallback' "$drop_in/Office.conf")" 3; }
check "what is not said stays as it was" kept
mended() { lab_cups local lpadmin -p Office -o printer-is-shared=true -o printer-error-policy=abort-job &&
	exits 0 setup Office && says "Queue Office is changed" && exits 0 setup Office && says "Nothing to change"; }
check "a queue that somebody changed is made good again" mended
dry() { before=$(picture) && exits 0 setup Dry --upstream "$(cups_uri server Office)" --dry-run && says "dry-run" &&
	same "$(picture)" "$before"; }
check "--dry-run changes nothing" dry
held() { exits 0 setup --upstream "$(cups_uri server Held)" && has_line "$drop_in/Held.conf" "release = held"; }
check "a server that holds jobs presets release = held" held

# ---- what is refused, with nothing changed

office=$(cups_uri server Office)
ours=ipp://localhost:$(cups_port local)/printers/Office
check "an upstream that does not answer is refused" refused 1 "Nothing was changed" Two --upstream ipp://127.0.0.1:9/x
check "one without PDF is refused" refused 1 "does not print PDF" Two --upstream "$(printer_uri raster)"
check "one that is a Stillprint queue is refused" refused 1 "round in circles" Two --upstream "$ours"
check "a fallback that is a Stillprint queue is refused" refused 1 "round in circles" Two --upstream "$office" --fallback "$ours"
check "so is cups: of one" refused 1 "round in circles" Two --upstream "$office" --fallback cups:Office
lab_cups local lpadmin -p Office -c Class
check "and a class with one in it" refused 1 "round in circles" Two --upstream "$office" --fallback cups:Class
lab_cups local lpadmin -x Class
check "a cups: queue that is not there ends with 3" refused 3 "no queue Nothing" Two --upstream "$office" --fallback cups:Nothing
check "the upstream cannot stand in for itself" refused 2 "stand in for itself" Two --upstream "$office" --fallback "$office"
check "a password in the URI is refused" refused 2 "ends in logs" Two --upstream ipp://anna:secret@127.0.0.1/x
check "another protocol is refused" refused 1 "only ipp://" Two --upstream lpd://127.0.0.1/x
check "a queue that exists is not overwritten" refused 1 "There is a queue Label already" Label --upstream "$office"
nobody() { exits 2 stillprint setup Two --upstream "$office" && says "give --yes"; }
check "where nobody can be asked, --yes is wanted" nobody
no_root() { as "$LAB_USER" stillprint setup Two --upstream "$office" --yes >"$out" 2>"$out.err"; same $? 5 && says "as root"; }
check "only root may" no_root
no_ppd() { STILLPRINT_PPD=/nonexistent.ppd refused 1 "cannot be read" Two --upstream "$office"; }
check "without the PPD nothing is done" no_ppd
bad_conf() { echo "nonsense" >"$LAB/etc/stillprint.conf.d/zz.conf" && refused 1 "zz.conf:1" Two --upstream "$office"; }
check "a broken configuration is told with its line" bad_conf
rm "$drop_in/zz.conf"

# ---- when something fails in the middle, all of it is undone

undone() { rm "$LAB/local/bin/backend/stillprint" && refused 1 "undone" Two --upstream "$office" --fallback cups:Label; }
check "CUPS refuses the queue: the files are taken back" undone
lab_cupsd_ours local

# ---- logins

locked=$(cups_uri server Locked ipps)
check "a server that wants a login tells so" refused 1 "give --user" Locked --upstream "$locked"
check "a password does not go over plain ipp" refused 1 "only sent encrypted" Locked \
	--upstream "$(cups_uri server Locked)" --user stilltest --password-file /dev/null
if [ -r /etc/pam.d/cups ]; then
	lab_user stilltest "geheim 1"
	echo "geheim 1" >"$LAB/right" && echo wrong >"$LAB/wrong" && chmod 600 "$LAB/right" "$LAB/wrong"
	id stillprint >/dev/null 2>&1 || lab_user stillprint
	check "a wrong password is refused" refused 1 "does not take this user" Locked --upstream "$locked" \
		--user stilltest --password-file "$LAB/wrong"
	login() { exits 0 setup Locked --upstream "$locked" --user stilltest --password-file "$LAB/right" && says "sha256//" &&
		has_line "$drop_in/Locked.conf" "upstream-user = stilltest" && ! grep -r geheim "$drop_in" "$out" "$out.err"; }
	check "the right one is taken, and the certificate shown" login
	secret() { same "$(stat -c %a:%U:%G "$LAB/etc/secrets/Locked")/$(<"$LAB/etc/secrets/Locked")" \
		"640:root:stillprint/geheim 1"; }
	check "it is kept for root and the daemon only" secret
	login_again() { exits 0 setup Locked && says "Nothing to change"; }
	check "a second run uses it and changes nothing" login_again
	sed -i 's,sha256//.*,sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,' "$drop_in/Locked.conf"
	tries() { grep -c 'username="stilltest"' "$LAB/server/log/error_log"; }
	before_tries=$(tries)
	check "another certificate gets no password" refused 1 "shows another certificate" Locked
	check "indeed none was sent" same "$(tries)" "$before_tries"
	renewed() { exits 0 setup Locked --new-certificate && exits 0 setup Locked && says "Nothing to change"; }
	check "--new-certificate takes it" renewed
	forgotten() { exits 0 setup --remove Locked && [ ! -e "$LAB/etc/secrets/Locked" ]; }
	check "--remove removes it, too" forgotten
else
	skip "logins at a print server" "needs /etc/pam.d/cups"
fi
check "another kind of login is not supported, and told" refused 1 "Negotiate, which is not supported" Kerberos \
	--upstream "$(cups_uri kerberos Kerberos ipps)"

# ---- a server away, and the end

lab_cupsd_stop server
away() { exits 0 setup Held && says "unreachable" && says "Nothing to change"; }
check "while the server is away, a second run still changes nothing" away
removed() { exits 0 setup --remove Office && [ ! -e "$drop_in/Office.conf" ] &&
	! lab_cups local lpstat -v Office 2>/dev/null; }
check "--remove removes queue and section" removed
removed_again() { exits 0 setup --remove Office && says "Nothing to remove"; }
check "and says so when there is nothing" removed_again
check "a queue that is not ours is not removed" refused 1 "not one of Stillprint" --remove Label
plan_done
