#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1810 - what comes late: a printer found after the server took the job, a cut that a printer calls canceled, a daemon
# that was stopped, many jobs that go back at once. Nothing comes out twice, is lost, or goes astray.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_tool put-job
lab_printer server
lab_printer spare
lab_printer other
lab_relay net "localhost:$(printer_port server)"
lab_relay far "localhost:$(printer_port other)"
upstream=ipp://localhost:$(relay_port net)/ipp/print
lab_pdf "$LAB/warm.pdf" -t warm >/dev/null
job=0
put() { lab_pdf "$LAB/$1.pdf" -t "$1" "${@:2}" >/dev/null && job=$((job + 1)) && "$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/$1.pdf" title="$1" job-id=$job; }
over() { case $(job_state "$1") in completed | unknown | canceled | held) ;; *) return 1 ;; esac; }
ws_start office "$upstream" "on-outage = hold" "fallback = $(printer_uri spare)"
put warm
wait_for 10 job_is 1 completed

# a printer is searched for, and the server comes back before it is found
net refuse
put alpha
wait_for 10 job_held_for 2 server-lost-hold
relay far hold request 0x000b 1 >/dev/null
echo 20 >"$LAB/server/slow"
job_act 2 Release 'a{sv}' 1 printer s "ipp://localhost:$(relay_port far)/ipp/print" >"$LAB/released" 2>&1 &
wait_for 5 relay_saw far 'held request .* 0x000b'
net pass
check "the server is back and takes the job" wait_for 10 job_is 2 sent
relay far resume >/dev/null
wait
check "the printer that is found then does not get it too" grep -q 'Call failed: The server has accepted it' "$LAB/released"
note "$(head -c 200 "$LAB/released")"
rm "$LAB/server/slow"
wait_for 10 job_is 2 completed
nap 0.5
check "it came out once" same "$(prints_of server alpha) $(prints_of other alpha)" "1 0"

# a document so small that the network took all of it, cut before the printer had it
net cut request 0x0006 1 2500
put bravo -b 3000
check "cut: it comes to an end" wait_for 30 over 3
note "cut: $(job_state 3) $(job_reason 3), printed $(prints_of server bravo)"
check "cut: it is not called canceled or completed, and not sent elsewhere" \
	same "$(job_state 3) $(prints_of spare bravo)" "unknown 0"
check "cut: the document is still here" test -n "$(ls "$LAB/spool/jobs")"
check "cut: its user can have it again" job_act 3 PrintAgain 'a{sv}' 0
check "cut: and then it is whole" wait_for 15 job_is 3 completed

# the daemon did not run for a while: that is not the server's silence
ws_conf office "$upstream" "on-outage = fallback" "fallback = $(printer_uri spare)"
lab_daemon_restart
wait_for 5 queue_is office ok
net hold request 0x000b 1
put charlie
wait_for 5 relay_saw net 'held request .* 0x000b'
kill -STOP "$(lab_pid stillprintd)"
net resume
nap 6
kill -CONT "$(lab_pid stillprintd)"
check "stopped for six seconds: the job goes to the server all the same" wait_for 15 job_is 4 completed
check "and not to the fallback" same "$(prints_of server charlie) $(prints_of spare charlie)" "1 0"

# many wait, and go back in order
ws_conf office "$upstream" "on-outage = hold"
ws_reload
net refuse
: >"$LAB/server/prints"
words=''
for i in $(seq 11 24); do
	put "many$i"
	words+=" many$i"
done
wait_for 10 job_held_for $job server-lost-hold
net pass
check "fourteen jobs waited: all go back" wait_for 60 has_prints server 14
check "in order" same "$(printed_order server)" "${words# }"
plan_done
