#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7262-order.sh - messages that come late and out of order: an old status after the final one, an old Acknowledge after the
# claim was dropped and after a new release, an old registration after the job is over, an old release that is asked again.
# Each document comes out once, and what was true last stays true.
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need ipptool sqlite3 jq

WS_PROBE_LOST=1s
lab_start
faults_start
uri=ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office
cat >"$LAB/release.test" <<'X'
{
	OPERATION Release-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id $job
	STATUS successful-ok
}
X
# at_server JOB - its user releases it there, as at the device
at_server() { ipptool -tI -d job="$1" "$uri" "$LAB/release.test" >/dev/null 2>&1; }
held_at() { [ "$(wire_events "^held request .* $1")" -ge "$2" ]; } # OPERATION N
# late_answers OPERATION N - the late ones have been answered
late_answers() { [ "$(sed -n '/^resumed/,$p' "$LAB/wire/events" | grep -c "^reply .* $1")" -ge "$2" ]; }

# ---- a status that says "sending" comes when the job is long over
echo 3 >"$LAB/hall/slow"
wire hold request 0x0048 1
faults_print word2
wait_for 10 job_registered 2
at_server 2
check "a status is held up on its way" wait_for 20 held_at 0x0048 1
wait_for 15 has_started hall 2
rm "$LAB/hall/slow"
check "the job comes to an end" wait_for 20 job_is 2 completed
check "and the server hears of that, over another connection" wait_for 40 same_state 2 completed
: >"$LAB/wire/events"
wire resume
check "then the old status arrives, and is answered" wait_for 10 late_answers 0x0048 1
faults_print word3
wait_for 10 job_registered 3
check "and changes nothing" same "$(srv_job 2 state)" completed

# ---- an Acknowledge comes when its claim was given up, and when there is a new release
: >"$LAB/wire/events"
for k in 1 2 3 4; do wire hold request 0x0041 $k; done
at_server 3
check "an acknowledgement is held up" wait_for 20 held_at 0x0041 1
check "the workstation gives the claim up" wait_for 40 job_held_for 3 registered
check "the server holds the job again" wait_for 40 same_state 3 held
check "nothing has come out" same "$(prints_of hall word3)" 0
wire clear
wire hold request 0x0043 1 # so that the old one comes before the new one
at_server 3
check "it is released again" wait_for 20 held_at 0x0043 1
check "under a new number" same "$(srv_job 3 "epoch || ' ' || state")" "2 released"
: >"$LAB/wire/events"
wire resume
check "the old acknowledgement is answered first" wait_for 10 late_answers 0x0041 1
check "it prints by the new release" wait_for 40 job_is 3 completed
check "once" same "$(prints_of hall word3)" 1
check "and the server has its end" wait_for 20 same_state 3 completed

# ---- a registration comes twice, the second time when the job is over
: >"$LAB/wire/events"
wire hold request 0x0005 1
faults_print word4
check "a registration is held up" wait_for 10 held_at 0x0005 1
check "it is made known over another connection" wait_for 40 job_registered 4
at_server 4
check "released and printed" wait_for 20 job_is 4 completed
check "the server has its end" wait_for 20 same_state 4 completed
wire resume
check "the late registration is answered" wait_for 10 late_answers 0x0005 1
check "and changes nothing" same "$(srv_job 4 state) $(srv_sql "SELECT count(*) FROM job")" "completed 4"

# ---- a final status comes twice; then its record
: >"$LAB/wire/events"
wire hold request 0x4f01 1
faults_print word5
wait_for 10 job_registered 5
at_server 5
check "a record is held up" wait_for 20 held_at 0x4f01 1
lab_daemon_kill9
lab_daemon_start
check "the next start tells it" wait_for 20 same_count 5
wire resume
check "and then the first one comes" wait_for 10 late_answers 0x4f01 1

# ---- canceled, and then the release that was asked for before
: >"$LAB/wire/events"
wire hold reply 0x0043 1
faults_print word6
wait_for 10 job_registered 6
at_server 6
check "the answer to Fetch-Job is held up" wait_for 10 relay_saw wire '^held reply .* 0x0043'
check "meanwhile its user cancels it here" sp cancel 6
wire resume
check "it is canceled" wait_for 20 job_is 6 canceled
check "at the server too" wait_for 20 same_state 6 canceled
check "and did not come out" same "$(prints_of hall word6)" 0

check "five came out" same "$(prints hall)" 5
check "five are charged with two pages each" wait_for 20 same_count 5
check "each once" same "$(srv ledger sum --json | jq -c '.totals[0] | [.prints, .impressions, .uncertain]')" "[5,10,0]"
check "nothing is left in the spool" same "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ""
plan_done
