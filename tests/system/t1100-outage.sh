#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1100 - the server goes: refused, silent, known outage; the job is at the fallback; the server comes back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer server
lab_printer spare
lab_relay net "localhost:$(printer_port server)"
lab_pdf "$LAB/a.pdf" -n 2 -t alpha >/dev/null
lab_pdf "$LAB/b.pdf" -n 2 -t bravo >/dev/null
lab_pdf "$LAB/c.pdf" -n 2 -t charlie >/dev/null
lab_pdf "$LAB/d.pdf" -n 2 -t delta >/dev/null
upstream=ipp://localhost:$(relay_port net)/ipp/print
ws_start office "$upstream" "fallback = $(printer_uri spare)"

ws_lp -d office "$LAB/a.pdf" >/dev/null
check "with the server there, it prints through it" wait_for 10 has_prints server 1
wait_for 10 job_is 1 completed

net refuse
ws_lp -d office "$LAB/b.pdf" >/dev/null
check "server refuses: the job comes out of the fallback" wait_for 5 has_prints spare 1
check "the queue says that the server is lost" queue_is office lost
wait_for 10 job_is 2 completed
check "the ledger marks it: diverted, not accounted at the server" \
	same "$(store_sql 'select diverted, not_at_server from ledger where job_id = 2')" "1|1"
check "the audit says who, from where, to where, encrypted or not, whose decision" \
	same "$(store_sql "select event, cast(who as text), from_uri, to_uri, encrypted, cast(decided_by as text) from audit where event = 'diverted'")" \
	"diverted|$LAB_USER|$upstream|$(printer_uri spare)|0|policy"

ws_lp -d office "$LAB/c.pdf" >/dev/null
check "outage known: the next one goes there at once" wait_for 5 has_prints spare 2
check "the server got nothing of these" same "$(prints server)" 1

net pass
check "the server's return is noticed" wait_for 5 queue_is office ok
ws_lp -d office "$LAB/d.pdf" >/dev/null
check "and the next job goes to it" wait_for 5 has_prints server 2

net silent
ws_lp -d office "$LAB/a.pdf" >/dev/null
check "server silent: the job comes out of the fallback" wait_for 10 has_prints spare 3
net pass
wait_for 10 queue_is office ok
check "nothing printed twice" same "$(prints server) $(prints spare)" "2 3"
plan_done
