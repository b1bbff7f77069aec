#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0540 - the command line with the real daemon, cupsd and printers: setup from nothing to paper, and each verb once.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer server
lab_printer spare
lab_relay net "localhost:$(printer_port server)"
for w in alpha bravo charlie delta echo; do lab_pdf "$LAB/$w.pdf" -n 2 -t $w >/dev/null; done
mkdir -p "$LAB/etc/stillprint.conf.d"
printf '[stillprint]\ncups-socket = %s\nprobe-lost = 1s\nask-agent = 1s\n' "$LAB/ws/state/cups.sock" >"$LAB/etc/stillprint.conf"
lab_cupsd ws
lab_daemon
CUPS_SERVER=$(cups_socket ws)
export CUPS_SERVER STILLPRINT_PPD=$LAB_PPD
upstream=ipp://localhost:$(relay_port net)/ipp/print
setup=(setup Office --upstream "$upstream" --fallback "$(printer_uri spare)" --on-outage ask --yes)

# says TEXT COMMAND... - the command succeeds and says it
says() { "${@:2}" >"$LAB/out" 2>&1 && grep -q -- "$1" "$LAB/out" || { cat "$LAB/out" && return 1; }; }
# code N COMMAND...
code() { "${@:2}" >"$LAB/out" 2>&1; local rc=$?; [ $rc -eq "$1" ] || { echo "exit $rc" && cat "$LAB/out" && return 1; }; }
json() { "${@:2}" --json | jq -e "$1" >/dev/null; }

check "setup: from nothing to a queue" sp_root "${setup[@]}"
check "setup: a second time it changes nothing, and says so" says "othing" sp_root "${setup[@]}"
ws_lp -d Office "$LAB/alpha.pdf" >/dev/null
check "setup: lp prints through it" wait_for 10 has_prints server 1
wait_for 10 job_is 1 completed
check "status: the queue's server is there" json '.queues[0].health == "ok"' sp status
check "jobs --all: it is completed" json '.jobs[0].state == "completed"' sp jobs --all
check "usage: what was printed" json '.rows[0].impressions == 2 and .rows[0].certainty == "device-reported"' sp usage
check "usage --csv: for others' programs" sp usage --csv "$LAB/home/$LAB_USER/usage.csv"

net refuse
ws_lp -d Office -t "$(printf 'a\tb \xe2\x80\xae evil')" "$LAB/bravo.pdf" >/dev/null
wait_for 10 job_held_for 2 server-lost-hold
check "why: the reason, in words" says "lost at" sp why 2
check "why --json: the reason, as a code" json '.reason == "server-lost-hold"' sp why 2
sp jobs >"$LAB/out"
check "jobs: nothing from outside steers the terminal" not grep -qP '\x{202e}|\x1b|\t' "$LAB/out"
check "release --printer: there it prints" sp release 2 --printer "$(printer_uri spare)"
check "release: it is out" wait_for 10 has_prints spare 1
ws_lp -d Office "$LAB/charlie.pdf" >/dev/null
wait_for 10 job_held_for 3 server-lost-hold
check "cancel: given up" sp cancel 3
check "cancel: over" wait_for 5 job_is 3 canceled
check "cancel: a second time is refused" code 1 sp cancel 3
check "release: no such job" code 3 sp release 99
check "another user's job is no job" code 3 as lp stillprint why 2
check "fallback add: a printer of one's own" says "reachable" sp fallback add "$(printer_uri server)"
check "fallback list: has both" json '.fallbacks | length == 2' sp fallback list
check "fallback remove: gone" sp fallback remove "$(printer_uri server)"
check "outage: only root" code 5 sp outage start
check "outage start: announced" sp_root outage start --until 2h --message "New server"
check "outage: status shows it" json '.queues[0].outage == true' sp status
check "outage stop" sp_root outage stop
check "check: the upstream is away, and the exit code says so" code 1 sp_root check
net pass
check "trust: only what has a certificate" not sp_root trust "$upstream"
check "usage verb words: a wrong verb is usage" code 2 stillprint relase 2

# a held release, by hand
sp_root setup Office --upstream "$upstream" --fallback "$(printer_uri spare)" --on-outage fallback --release held --yes >/dev/null
wait_for 5 queue_is Office ok
net refuse
ws_lp -d Office "$LAB/delta.pdf" >/dev/null
wait_for 10 job_held_for 4 server-lost-at-printer
check "held: release without being there is refused" code 1 sp release 4
check "held: --at-printer" sp release 4 --at-printer
check "held: out at the fallback" wait_for 10 has_prints spare 2
lab_daemon_stop
check "daemon away: exit 4, and how to start it" code 4 sp status
ws_lp -d Office "$LAB/echo.pdf" >/dev/null
net pass
lab_daemon_start
check "daemon back: what was printed meanwhile comes out" wait_for 15 has_prints server 2
check "setup --remove: the queue goes" sp_root setup --remove Office --yes
check "setup --remove: from CUPS too" not lab_cups ws lpstat -p Office
plan_done
