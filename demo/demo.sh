#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh - Stillprint's story with real parts: a print server is killed, the daemon is killed, and all prints once.
# `make demo` builds what it needs. Everything is private and in one temporary folder, which goes at the end.
[ "$(id -u)" -eq 0 ] || {
	echo "demo: please run it as root (sudo make demo): cupsd runs as root, its backend as lp, stillprintd as a user of its own" >&2
	exit 1
}
cd "$(dirname "$0")/.." || exit 1
. tests/system/lib.sh
. tests/system/workstation.sh
. tests/system/server.sh

tell() { printf '   %s\n' "$@"; }
step() { printf '\n%s\n' "$*"; }
ran() { printf '   $ %s\n' "$*"; } # what a user types
said() { sed 's/^/     /'; }        # and what the program answers

# must SENTENCE COMMAND... - the demo ends here if it is not true
must()
{
	"${@:2}" >"$LAB/.must" 2>&1 && return
	printf '   NOT SO: %s\n' "$1"
	head -n 5 "$LAB/.must" | said
	echo "demo: failed"
	exit 1
}

# print FILE - as the user does, with lp
print()
{
	ran "lp -d Office $1"
	printed_at=$(now_ms)
	must "lp takes it" ws_lp -d Office -t "$1" "$LAB/docs/$1"
}
since() { awk -v ms=$(($(now_ms) - $1)) 'BEGIN { printf "%.1f s", ms / 1000 }'; }

# box REGEX - the newest notification that it fits, as the user has it on the screen
box()
{
	must "the user is told" wait_for 10 notified "$1"
	must "the notification is on the screen" test "$(notifications_shown)" -gt 0
	notifications | grep -E -- "$1" | tail -n 1 |
		jq -r '.summary, .body, (.actions | [_nwise(2) | select(.[1]) | "[ " + .[1] + " ]"] | join("  "))' |
		sed '/^$/d' | fold -s -w 90 | sed 's/^/     | /'
}
sent() { echo $((($(relay_stat wire client-bytes) - $1) / 1000)); } # kB, since the count was $1
gone() { [ $(($(relay_stat wire client-bytes) - $1)) -gt "$2" ]; }
decided() { ! job_is "$1" sending && ! job_is "$1" created; }

# came_out PRINTER - its own record of what it printed
came_out() { awk '{ printf "%s%s.pdf (%d p.)", sep, $6, $3; sep = ", " }' "$LAB/$1/prints"; }
once() { same "$(sort <<<"$(cut -d' ' -f6 "$LAB/hall/prints" "$LAB/corner/prints")" | tr '\n' ' ')" "$1"; }

WS_PROBE_LOST=1s
lab_start
mkdir "$LAB/docs"
lab_pdf "$LAB/docs/report.pdf" -n 3 -t report >/dev/null
lab_pdf "$LAB/docs/invoice.pdf" -n 1 -t invoice >/dev/null
lab_pdf "$LAB/docs/letter.pdf" -n 1 -t letter >/dev/null
lab_pdf "$LAB/docs/plans.pdf" -n 40 -b 4000000 -t plans >/dev/null

echo "Stillprint, told with real parts: two printers (ippeveprinter), a print server (cupsd), a workstation (cupsd,"
echo "stillprintd) and its user's desktop (dunst, stillprint-agent). All is private, below $LAB."
lab_printer hall
lab_printer corner
lab_cupsd server
lab_queue server Office "$(printer_uri hall)" >/dev/null
lab_relay wire "localhost:$(cups_port server)" # the network between workstation and server
lab_cupsd ws
ws_conf none ipp://localhost:9/ && rm "$LAB/etc/stillprint.conf.d/none.conf"
lab_daemon
lab_session
lab_spawn_as "$LAB_USER" agent "$LAB/bin/stillprint-agent"

step "0. The administrator makes a queue on the server's queue; the printer in the corner is its fallback."
export CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD
upstream=ipp://localhost:$(relay_port wire)/printers/Office
ran "stillprint setup Office --upstream $upstream --fallback $(printer_uri corner) --yes"
must "setup makes the queue" stillprint setup Office --upstream "$upstream" --fallback "$(printer_uri corner)" --yes
grep -E '^(Upstream|Fallback|Queue)' "$LAB/.must" | said
unset CUPS_SERVER

step "1. All is well: Stillprint brings the job to the server, which prints it in the hall."
print report.pdf
must "report.pdf comes out" wait_for 10 has_prints hall 1
took=$(since "$printed_at")
must "it is complete" same "$(print_pages hall 1)" 3
must "Stillprint knows that it printed" wait_for 10 job_is 1 completed
tell "Out of the printer in the hall $took after lp. Where is it, and why?"
ran "stillprint why 1"
sp why 1 | sed -n '1,2p' | said

step "2. The print server is killed (kill -9). The user prints all the same."
lab_cupsd_crash server
relay wire refuse >/dev/null
print invoice.pdf
must "invoice.pdf comes out of the fallback" wait_for 10 has_prints corner 1
tell "Out of the printer in the corner $(since "$printed_at") after lp. The user's screen says:"
box 'Printing at'

step "3. The server is started again."
back_at=$(now_ms)
lab_cupsd_start server
relay wire pass >/dev/null
must "Stillprint notices" wait_for 15 queue_is Office ok
tell "Noticed after $(since "$back_at"):"
box 'is back'
print letter.pdf
must "it goes through the server again" wait_for 10 has_prints hall 2
must "and ends" wait_for 10 job_is 3 completed
tell "Out of the printer in the hall again."

step "4. The network is slow, and stillprintd is killed (kill -9) while it sends a document."
relay wire rate 500000 >/dev/null
before=$(relay_stat wire client-bytes)
print plans.pdf
must "the document is on its way" wait_for 10 job_is 4 sending
must "a part of it has gone" wait_for 15 gone "$before" 1000000
lab_daemon_kill9
must "but not all" not gone "$before" 3500000
tell "It is killed when $(sent "$before") kB of 4000 kB have gone."
relay wire rate 0 >/dev/null
lab_daemon_start
must "the new stillprintd knows the job" wait_for 30 decided 4
if job_is 4 unknown; then
	tell "Started again, it knows the job, but not what became of it. No machine guesses: it asks."
	box 'Did .*plans'
	tell "The user sees no paper in the hall and chooses \"Print again\"."
	must "the notification's button works" notification_choose "Print again"
else
	tell "Started again, it finds that the server never had the whole document, and sends it once more."
fi
must "plans.pdf comes out" wait_for 30 has_prints hall 3
must "whole" same "$(print_pages hall 3)" 40
must "and the job ends" wait_for 15 job_is 4 completed

step "5. By the printers' own records, each document came out once:"
nap 1 # whatever would print twice has had its time
tell "hall    $(came_out hall)" "corner  $(came_out corner)"
must "everything printed once" once "invoice letter plans report "
must "and nothing waits any more" same "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ""

step "6. Now a server of our own: it shall know of each job, and never have a document."
lab_pdf "$LAB/docs/contract.pdf" -n 60 -b 6000000 -t contract >/dev/null
lab_pdf "$LAB/docs/payroll.pdf" -n 2 -t payroll >/dev/null
srv_start
RELAY_STAMP=1 lab_relay device "localhost:$(printer_port hall)" # notes when the first octet of a document passes
lab_relay wire2 "localhost:$SRV_PORT"
ran "stillprint-server device add hall ...; queue add Secure --device hall --fallback ...; user add $LAB_USER; enrol"
must "the device is known" srv device add hall "ipp://localhost:$(relay_port device)/ipp/print" --no-probe
srv_queue Secure hall
must "its queue has a fallback" srv queue set Secure --fallback "$(printer_uri corner)"
code=$(srv_code)
ran "stillprint setup Secure --server ipps://print.example --code $code"
export CUPS_SERVER=$LAB/ws/state/cups.sock
must "the computer is enrolled" stillprint setup Secure --server "ipps://localhost:$(relay_port wire2)" --code "$code" --yes
unset CUPS_SERVER
grep -E '^(Server|This|Queue)' "$LAB/.must" | said
must "its queue is there" wait_for 10 queue_is Secure ok
print_secure() { ran "lp -d Secure $1" && must "lp takes it" ws_lp -d Secure -t "$1" "$LAB/docs/$1"; }
wire2() { echo $(($(relay_stat wire2 client-bytes) + $(relay_stat wire2 server-bytes))); }
before=$(wire2)
print_secure contract.pdf
must "the server knows of it" wait_for 10 job_registered 5
tell "Its $(stat -c %s "$LAB/docs/contract.pdf") octets stay on this computer, sealed; $(($(wire2) - before)) octets went between it and the server."
sp why 5 | sed -n '2p' | said

step "7. The user releases it at the device; here from the desk, as the panel would."
ran "stillprint release 5 --device hall"
released_us=${EPOCHREALTIME/[.,]/}
must "it is released" sp release 5 --device hall
must "contract.pdf comes out" wait_for 20 has_prints hall 4
must "whole" same "$(print_pages hall 4)" 60
must "and ends" wait_for 15 job_is 5 completed
first_us=$(awk '/request [0-9]+ 0x0006/ { print $1; exit }' "$LAB/device/events")
tell "The first octet reached the device $(((first_us - released_us) / 1000)) ms after the command was begun; straight from this computer."
must "the server hears of its end" wait_for 10 same_state 1 completed
must "and has it in the ledger" wait_for 10 ledger_has "$(store_sql "SELECT count(*) FROM ledger")"

step "8. The server is killed (kill -9) with a document waiting for release; and the user needs it now."
print_secure payroll.pdf
must "the server knows of it" wait_for 10 job_registered 6
srv_crash
relay wire2 refuse >/dev/null
must "the loss is noticed" wait_for 15 job_held_for 6 server-lost-at-printer
box 'cannot be reached'
ran "stillprint release 6 --at-printer"
must "its user says that he is there" sp release 6 --at-printer
must "payroll.pdf comes out of the fallback" wait_for 15 has_prints corner 2
must "and ends" wait_for 15 job_is 6 completed
tell "Out of the printer in the corner, which the server's signed policy names."

step "9. The server is started again."
srv_up
relay wire2 pass >/dev/null
must "what was printed meanwhile is over there too" wait_for 30 same_state 2 completed
must "the ledger is complete" wait_for 20 ledger_has "$(store_sql 'SELECT count(*) FROM ledger')"
ran "stillprint-server ledger sum"
srv ledger sum | cut -c 1-110 | said
must "its chain holds" srv ledger verify
nap 1
tell "hall    $(came_out hall)" "corner  $(came_out corner)"
must "everything printed once" once "contract invoice letter payroll plans report "
must "and nothing waits any more" same "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ""
must "the server has never had a document" not grep -rqa "%PDF" "$LAB/server/state"
lab_planned=1
echo
echo "demo: ok"
