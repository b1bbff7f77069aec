#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1500 - an ordinary print server as upstream: accepted, then it dies; it comes back with or without the job; it gives
# our number to somebody else; its word is recorded as its own. Loops are refused; options reach the printer once.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer mfp
lab_printer spare
lab_cupsd srv
lab_queue srv hall "$(printer_uri mfp)"
for w in alpha bravo charlie delta echo; do lab_pdf "$LAB/$w.pdf" -n 2 -t $w >/dev/null; done
ws_start office "$(cups_uri srv hall)" "fallback = $(printer_uri spare)"
unconfirmed() { [ "$(job_reason "$1")" = accepted-unconfirmed ]; }

ws_lp -d office "$LAB/alpha.pdf" >/dev/null
check "a server's queue as upstream: it prints" wait_for 10 has_prints mfp 1
check "its completed is recorded as the server's word" wait_for 15 job_is 1 completed
check "server-reported" same "$(job_reason 1) $(store_sql 'select certainty from ledger')" "server-reported server-reported"

lab_cups srv cupsdisable hall
ws_lp -d office "$LAB/bravo.pdf" >/dev/null
check "the server accepts and waits" wait_for 10 job_is 2 sent
lab_cupsd_crash srv
check "the server dies: accepted, not confirmed" wait_for 20 unconfirmed 2
check "the sentence says so" same "$(job_field 2 Sentence | grep -c 'not confirmed')" 1
check "it is not sent again by itself" same "$(prints spare)" 0
check "the document stays sealed here" test -n "$(ls "$LAB/spool/jobs")"
check "the user may print it here too" same "$(acts 2 | grep -c '"here"')" 1
check "by release --here" job_act 2 Release 'a{sv}' 1 here b true
check "it comes out here" wait_for 10 has_prints spare 1
check "and ends completed" wait_for 10 job_is 2 completed
lab_cupsd_start srv
wait_for 10 queue_is office ok
gone_at_server() { ! lab_cups srv lpstat -W not-completed -o | grep -q hall; }
check "the server's copy is canceled when it is back" wait_for 20 gone_at_server
lab_cups srv cupsenable hall
check "the server prints nothing of it" same "$(prints mfp)" 1

lab_cups srv cupsdisable hall
ws_lp -d office "$LAB/charlie.pdf" >/dev/null
wait_for 10 job_is 3 sent
lab_cupsd_crash srv
wait_for 20 unconfirmed 3
lab_cupsd_start srv
lab_cups srv cupsenable hall
check "back with the job: it prints there" wait_for 20 has_prints mfp 2
check "and is completed" wait_for 20 job_is 3 completed

lab_cups srv cupsdisable hall
ws_lp -d office "$LAB/delta.pdf" >/dev/null
wait_for 10 job_is 4 sent
lab_cupsd_crash srv
wait_for 20 unconfirmed 4
rm -f "$LAB"/srv/spool/c0* "$LAB"/srv/spool/d0* "$LAB"/srv/cache/job.cache*
lab_cupsd_start srv
lab_cups srv cupsenable hall
check "back without the job: the outcome is unknown" wait_for 20 job_is 4 unknown
check "the server lost it" same "$(job_reason 4)" gone-at-server
check "nothing is sent by itself" same "$(prints spare) $(prints mfp)" "1 2"
check "print again is the user's act" job_act 4 PrintAgain 'a{sv}' 0
check "then it prints once" wait_for 15 has_prints mfp 3
wait_for 15 job_is 4 completed

# the server starts numbering afresh and gives our number to another document
lab_cups srv cupsdisable hall
ws_lp -d office "$LAB/echo.pdf" >/dev/null
wait_for 10 job_is 5 sent
lab_cupsd_crash srv
wait_for 20 unconfirmed 5
rm -f "$LAB"/srv/spool/c0* "$LAB"/srv/spool/d0* "$LAB"/srv/cache/job.cache*
remote=$(job_field 5 RemoteId)
# before our daemon may ask: let others' documents take the numbers
kill -STOP "$(lab_pid stillprintd)"
lab_cupsd_start srv
lab_cups srv cupsenable hall
for _ in $(seq "$remote"); do lab_lp srv -d hall "$LAB/alpha.pdf" >/dev/null; done
wait_for 20 has_prints mfp $((3 + remote))
kill -CONT "$(lab_pid stillprintd)"
check "our number given to somebody else's document is not taken for ours" wait_for 30 job_is 5 unknown
plan_done
