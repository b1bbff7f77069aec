#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0410 - the real daemon, the real agent and a real notification daemon: the server is lost, the user is asked, presses
# a button, and the document comes out where he said.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer server
lab_printer spare
lab_relay net "localhost:$(printer_port server)"
lab_pdf "$LAB/a.pdf" -t alpha >/dev/null
WS_GLOBALS='ask-answer = 6s'
ws_start office "ipp://localhost:$(relay_port net)/ipp/print" "on-outage = ask" "fallback = $(printer_uri spare)"
lab_session
agent=$LAB_OUT/bin/stillprint-agent
[ -z "$LAB_DESTDIR" ] || agent=$(find "$LAB_DESTDIR" -name stillprint-agent -type f | head -n 1)
lab_spawn_as "$LAB_USER" agent "$agent"
wait_for 5 as "$LAB_USER" busctl --address="$DBUS_SESSION_BUS_ADDRESS" status org.stillprint.Agent >/dev/null 2>&1

net refuse
ws_lp -d office -t "Minutes <of> Monday & others" "$LAB/a.pdf" >/dev/null
check "the server is lost: the user is told on his screen" wait_for 10 notified "cannot be reached"
check "with the title as it is, and its markup harmless" notified 'Minutes &lt;of&gt; Monday &amp; others'
check "and a button for the fallback" notified "Print at"
check "the job waits" job_held_for 1 server-lost
check "the user presses it" wait_for 10 notification_choose "Print at"
check "there it comes out" wait_for 10 has_prints spare 1
check "by the user's own decision" wait_for 5 same \
	"$(store_sql "select cast(decided_by as text) from audit where event = 'diverted'")" "user:$LAB_USER"
ws_lp -d office "$LAB/a.pdf" >/dev/null
check "asked again for the next one" wait_for 10 job_held_for 2 server-lost
check "no answer: it holds, with that reason" wait_for 15 job_held_for 2 server-lost-hold
net pass
check "the server's return is told" wait_for 10 notified "is back"
plan_done
