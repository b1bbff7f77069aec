#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7210-without-server.sh - the server of our own is lost: what is held there can be printed at a fallback by its user, who
# is at the printer; when it is back, all is made known, nothing is printed twice, and the ledger is complete.
# run-tests: deadline 180
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need ipptool sqlite3

WS_PROBE_LOST=1s
lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv queue set Office --fallback "$(printer_uri corner)" >/dev/null || die "fallback"
lab_relay wire "localhost:$SRV_PORT"
ws_enrol Office "ipps://localhost:$(relay_port wire)"
policy_known() { sp fallback list | grep -q policy; }

lab_pdf "$LAB/one.pdf" -n 2 -t one >/dev/null
lab_pdf "$LAB/two.pdf" -n 1 -t two >/dev/null
lab_pdf "$LAB/three.pdf" -n 1 -t three >/dev/null
check "the policy with its fallback has come" wait_for 10 policy_known
ws_lp -d Office -t one "$LAB/one.pdf" >/dev/null
wait_for 10 job_registered 1 || die "not registered"

# ---- lost
srv_crash
relay wire refuse >/dev/null
check "the loss is noticed, without anybody waiting" wait_for 10 queue_is Office lost
check "what was held there asks its user to be at the printer" wait_for 10 job_held_for 1 server-lost-at-printer
ws_lp -d Office -t two "$LAB/two.pdf" >/dev/null
check "a new job is kept likewise" wait_for 10 job_held_for 2 server-lost-at-printer
check "nothing has printed by itself" same "$(prints hall) $(prints corner)" "0 0"
check "its user is at the printer" sp release 1 --at-printer
check "it prints at the fallback of the server's policy" wait_for 15 has_prints corner 1
check "and ends" wait_for 15 job_is 1 completed
check "told as printed elsewhere" same "$(store_sql 'select diverted || not_at_server from ledger')" 11
check "the policy's word is in the audit" store_has "select 1 from audit where event = 'diverted' and to_uri like '%/ipp/print'"

# ---- back, while the daemon was away too
lab_daemon_stop
srv_up
relay wire pass >/dev/null
lab_daemon_start
check "the server is there again" wait_for 20 queue_is Office ok
check "what waits is made known to it" wait_for 20 job_registered 2
check "what was printed meanwhile is over there too" wait_for 20 same_state 1 completed
check "and told as diverted" test -n "$(srv_job 1 diverted)"
srv_release() { srv_sql "SELECT epoch FROM job WHERE id = $1" | grep -qx "$2"; }
check "it is released and printed as ever" sp release 2 --device hall
check "once" wait_for 15 job_is 2 completed
check "the ledger is complete at the server" wait_for 20 ledger_has 2
check "one row for each print" same "$(srv_sql 'SELECT count(*) FROM ledger_record')" 2
check "each document came out once" same "$(prints_of corner one) $(prints_of hall one) $(prints_of hall two)" "1 0 1"

# ---- released at the server while the workstation is cut off: the release dies, nothing is lost
ws_lp -d Office -t three "$LAB/three.pdf" >/dev/null
wait_for 10 job_registered 3 || die "not registered"
relay wire silent >/dev/null
cat >"$LAB/release.test" <<'X'
{
	OPERATION Release-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id 3
	STATUS successful-ok
}
X
check "its user releases it at the server" ipptool -tI "ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office" "$LAB/release.test"
check "the workstation notices that it is cut off" wait_for 90 queue_is Office lost
check "after 20 s the server holds it again" wait_for 40 same_state 3 held
check "nothing printed" same "$(prints_of hall three)" 0
relay wire pass >/dev/null
check "the network is back" wait_for 30 queue_is Office ok
check "the job is still there" wait_for 20 job_registered 3
check "and prints when it is released again" sp release 3 -d hall
check "once" wait_for 15 job_is 3 completed
check "indeed" same "$(prints_of hall three)" 1

# ---- canceled here while the server is away
ws_lp -d Office "$LAB/three.pdf" >/dev/null
wait_for 10 job_registered 4 || die "not registered"
srv_crash
wait_for 20 queue_is Office lost
check "canceled while the server is away" sp cancel 4
srv_up
check "the server hears of it afterwards" wait_for 30 same_state 4 canceled
plan_done
