#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1200 - what an outage means is the queue's policy: ask, hold, never, held; waiting jobs go back in order.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer server
lab_printer spare
lab_relay net "localhost:$(printer_port server)"
for w in alpha bravo charlie delta echo foxtrot golf hotel; do lab_pdf "$LAB/$w.pdf" -t $w >/dev/null; done
upstream=ipp://localhost:$(relay_port net)/ipp/print
WS_GLOBALS='ask-agent = 1s'
ws_start office "$upstream" "on-outage = ask" "fallback = $(printer_uri spare)"
net refuse

ws_lp -d office "$LAB/alpha.pdf" >/dev/null
check "ask: the job waits and asks" wait_for 5 job_held_for 1 server-lost
check "ask: nobody there to ask, so it holds, and says so" wait_for 5 job_held_for 1 server-lost-hold
check "ask: it went nowhere" same "$(prints spare)" 0

ws_conf office "$upstream" "on-outage = hold" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/bravo.pdf" >/dev/null
check "hold: the job waits for the server" wait_for 5 job_held_for 2 server-lost-hold
check "hold: its owner may choose a printer" job_act 2 Release 'a{sv}' 1 printer s "$(printer_uri spare)"
check "hold: and there it comes out" wait_for 5 has_prints spare 1
check "hold: by his own decision" same \
	"$(store_sql "select cast(decided_by as text) from audit where event = 'diverted'")" "admin:root"

ws_conf office "$upstream" "on-outage = never" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/charlie.pdf" >/dev/null
check "never: the job waits" wait_for 5 job_held_for 3 server-lost-never
check "never: no other printer, not even by hand" not job_act 3 Release 'a{sv}' 1 printer s "$(printer_uri spare)"

ws_conf office "$upstream" "on-outage = fallback" "release = held" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/delta.pdf" >/dev/null
check "held: it never falls back by itself" wait_for 5 job_held_for 4 server-lost-at-printer
check "held: not without being at the printer" not job_act 4 Release 'a{sv}' 0
check "held: it stays private" same "$(prints spare)" 1
check "held: the user confirms to be at the printer" job_act 4 Release 'a{sv}' 1 at-printer b true
check "held: and it comes out there" wait_for 5 has_prints spare 2
ws_lp -d office "$LAB/echo.pdf" >/dev/null
wait_for 5 job_held_for 5 server-lost-at-printer

net pass
check "the server is back: all that waited goes to it" wait_for 15 has_prints server 3
check "in order" same "$(printed_order server)" "alpha charlie echo"
check "and is done" wait_for 10 all_jobs_are completed 1 2 3 4 5

ws_conf office "$upstream" "fallback = $(printer_uri spare)"
ws_reload
check "planned outage: announced by root" \
	lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 OutageStart sxs office 0 "New server until noon"
ws_lp -d office "$LAB/foxtrot.pdf" >/dev/null
check "planned outage: jobs go to the fallback at once, though the server lives" wait_for 5 has_prints spare 3
lab_daemon_restart
check "planned outage: it survives a restart of the daemon" wait_for 5 queue_is office outage
check "planned outage: ended" \
	lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 OutageStop s office
ws_lp -d office "$LAB/golf.pdf" >/dev/null
check "after it, jobs go to the server" wait_for 5 has_prints server 4
until=$(($(date +%s) + 2))
lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 OutageStart sxs office $until "Two seconds" >/dev/null
check "planned outage: with an end" queue_is office outage
check "planned outage: it ends by itself" wait_for 8 queue_is office ok
ws_conf office "$upstream" "on-outage = ask"
ws_reload
lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 OutageStart sxs office 0 "New server until noon" >/dev/null
ws_lp -d office "$LAB/hotel.pdf" >/dev/null
check "planned outage: a job that asks waits for that reason" wait_for 5 job_held_for 8 outage-planned
check "planned outage: and the message is told" same "$(job_field 8 Sentence | grep -c 'New server until noon')" 1
lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 OutageStop s office >/dev/null
check "planned outage: over, it goes to the server" wait_for 10 job_is 8 completed
check "planned outage: only root may" not as "$LAB_USER" busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.stillprint \
	/org/stillprint org.stillprint.Manager1 OutageStart sxs office 0 "mine"
plan_done
