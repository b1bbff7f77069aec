#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1400 - connections that break: in mid-document, before the reply, in Create-Job; a printer that aborts, is canceled at
# its panel, needs paper, or dies. Nothing is sent again unless the device's word allows it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer mfp
lab_printer spare
lab_relay net "localhost:$(printer_port mfp)"
for w in warm alpha bravo charlie delta echo foxtrot golf; do lab_pdf "$LAB/$w.pdf" -n 2 -t $w >/dev/null; done
lab_pdf "$LAB/big.pdf" -n 20 -b 3000000 -t big >/dev/null
ws_start office "ipp://localhost:$(relay_port net)/ipp/print" "fallback = $(printer_uri spare)"
ws_lp -d office "$LAB/warm.pdf" >/dev/null
wait_for 10 job_is 1 completed
over() { case $(job_state "$1") in completed | unknown | canceled | held) ;; *) return 1 ;; esac; }

# the reply to Create-Job is lost: an empty job stands there, nothing has printed, it is tried again
net hold reply 0x0005 1
ws_lp -d office "$LAB/alpha.pdf" >/dev/null
check "Create-Job's reply is held back" wait_for 10 relay_saw net 'held reply .* 0x0005'
net drop
check "Create-Job's reply lost: it still prints" wait_for 20 job_is 2 completed
check "once" same "$(prints_of mfp alpha) $(prints_of spare alpha)" "1 0"

# the reply to Send-Document is lost: the printer has it all, and says completed
net hold reply 0x0006 1
ws_lp -d office "$LAB/bravo.pdf" >/dev/null
check "Send-Document's reply is held back" wait_for 10 relay_saw net 'held reply .* 0x0006'
net drop
check "Send-Document's reply lost: the printer's own final state decides" wait_for 20 job_is 3 completed
check "it came out once" same "$(prints_of mfp bravo) $(prints_of spare bravo)" "1 0"

# cut in mid-document
net cut request 0x0006 1 40000
ws_lp -d office "$LAB/big.pdf" >/dev/null
check "cut in mid-document: it comes to an end" wait_for 30 over 4
note "cut: $(job_state 4) $(job_reason 4), printed $(prints_of mfp big) and $(prints_of spare big)"
check "cut in mid-document: it is not called completed, and it is not sent elsewhere" \
	same "$(job_state 4) $(prints_of spare big)" "unknown 0"
check "the user is asked: it printed, print again" \
	test "$(acts 4 | grep -c 'print-again')" = 1
net pass
check "print again is the user's act" job_act 4 PrintAgain 'a{sv}' 0
check "and then it comes out whole" wait_for 20 job_is 4 completed
check "the first attempt is closed as unknown in the ledger" \
	same "$(store_sql "select state from ledger where job_id = 4 order by sequence" | tr '\n' ' ')" "unknown completed "

# the printer gives up
touch "$LAB/mfp/fail"
ws_lp -d office "$LAB/charlie.pdf" >/dev/null
check "the printer aborts: the document stays, with the reason" wait_for 10 job_held_for 5 aborted-at-device
rm "$LAB/mfp/fail"
check "released, it prints" job_act 5 Release 'a{sv}' 0
check "once" wait_for 10 job_is 5 completed

# no paper
echo media-empty >"$LAB/mfp/reason"
ws_lp -d office "$LAB/delta.pdf" >/dev/null
check "the printer has the document" wait_for 10 has_started mfp 6
check "it is being printed, or needs attention, and is not sent elsewhere" wait_for 10 job_is 6 sent
rm "$LAB/mfp/reason"
check "with paper again it comes out" wait_for 20 job_is 6 completed

# canceled by the user while it prints
echo 20 >"$LAB/mfp/slow"
ws_lp -d office "$LAB/echo.pdf" >/dev/null
wait_for 10 job_is 7 sent
check "canceled here while it prints there" job_act 7 Cancel
rm -f "$LAB/mfp/slow"
check "the printer has its say" wait_for 20 over 7
note "canceled: $(job_state 7) $(job_reason 7)"
check "spool and printers hold nothing of it" wait_for 5 test -z "$(ls "$LAB/spool/jobs" | grep job)"

# canceled while it waits
net refuse
ws_conf office "ipp://localhost:$(relay_port net)/ipp/print" "on-outage = hold"
ws_reload
ws_lp -d office "$LAB/foxtrot.pdf" >/dev/null
wait_for 10 job_held_for 8 server-lost-hold
check "canceled while it waits" job_act 8 Cancel
check "is canceled and erased" wait_for 5 job_is 8 canceled
check "no ledger row for what never left" same "$(store_sql 'select count(*) from ledger where job_id = 8')" 0
plan_done
