#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7266-moved.sh - maintenance that is announced some time before, as the workstation and its user see it; and a server with two
# addresses, of which the first is dead, hangs, or goes away in the middle of a poll.
# run-tests: deadline 240
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need sqlite3 jq

WS_PROBE_LOST=1s
lab_start
lab_printer hall
srv_start
srv_queue Office hall
lab_relay first "localhost:$SRV_PORT"
lab_relay second "localhost:$SRV_PORT"
one=ipps://localhost:$(relay_port first) two=ipps://localhost:$(relay_port second)
ws_enrol Office "$one"
none_on_the_way() { srv maintenance status --json | jq -e ".jobs_on_their_way == 0"; }
unsaid() { ! sp status | grep -q "new disks"; }
heard() { grep -c -- "$1" "$LAB/log/stillprintd.log"; }

# ---- announced beforehand
faults_print word1
wait_for 10 job_registered 1 || die "not registered"
check "a time that is over is refused" not srv maintenance start --at 2020-01-01 2>/dev/null
check "an end before the beginning is refused" not srv maintenance start --in 2h --until 1h 2>/dev/null
check "both at once are refused" not srv maintenance start --in 2h --at 17:30 2>/dev/null
check "maintenance is announced for later" srv maintenance start --in 1h --until 3h --message "new disks"
check "it is planned, not on" same "$(srv maintenance status --json | jq -c '[.maintenance, .planned, .message, .from > now, .until > .from]')" \
	'[false,true,"new disks",true,true]'
check "who has a document waiting is told" wait_for 15 daemon_log "event=notice kind=maintenance-planned"
says_it() { sp status | grep -q "new disks"; }
check "the command line says it" wait_for 10 says_it
check "once" same "$(heard 'kind=maintenance-planned')" 1
faults_print word2
check "until then a new job is taken" wait_for 10 job_registered 2
check "and printed" sp release 2 --device hall
wait_for 15 job_is 2 completed
check "it is called off" srv maintenance stop
check "the workstation hears of that" wait_for 15 unsaid

# ---- it begins by itself; what is in flight ends first
echo 20 >"$LAB/hall/slow"
sp release 1 --device hall >/dev/null
wait_for 15 has_started hall 2
check "announced for a moment from now" srv maintenance start --in 3s --message "new memory"
check "it begins, and the workstation hears of it" wait_for 30 queue_is Office outage
check "a document is on its way still" same "$(srv maintenance status --json | jq -c '[.maintenance, .jobs_on_their_way]')" '[true,1]'
faults_print word3
says() { sp why "$1" | grep -q "$2"; }
check "a new one waits, with the words" wait_for 15 says 3 "new memory"
rm "$LAB/hall/slow"
check "what was on its way ends" wait_for 20 job_is 1 completed
check "and is told" wait_for 20 same_state 1 completed
check "then the server may be stopped" wait_for 10 none_on_the_way
srv maintenance stop >/dev/null
check "it goes on" wait_for 30 job_registered 3

# ---- two addresses
faults_address "$one" "$two"
: >"$LAB/first/events"
relay first refuse >/dev/null
check "the first goes away in the middle of a poll: the second serves" wait_for 40 relay_saw second '^connect'
faults_print word4
check "a job is made known" wait_for 40 job_registered 4
check "and printed" sp release 4 --device hall
check "by the second" wait_for 20 job_is 4 completed
relay first silent >/dev/null
faults_address "$one" "$two"
faults_print word5
check "the first hangs: a job is made known all the same" wait_for 60 job_registered 5
relay first pass >/dev/null
relay second refuse >/dev/null
check "now the second goes away: the first serves" wait_for 60 released_or_over 5
check "and it is printed" wait_for 20 job_is 5 completed
check "each came out once" same "$(prints hall)" 4
check "and is charged once" wait_for 30 same_count 4
plan_done
