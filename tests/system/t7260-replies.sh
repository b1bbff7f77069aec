#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7260-replies.sh - each message between workstation and server cut in the request and in the reply, its reply lost, and the
# workstation's daemon or the server killed at that moment: each document is printed, registered and charged once, and
# nobody is left in doubt.  SWEEP=1 tries many more positions (make sweep).
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need sqlite3 jq

WS_PROBE_LOST=1s
lab_start
faults_start
n=1

# What one job says to the server: known, released, asked for, taken over, printing or over, charged; then events
ops=(0x0005 0x000d 0x0043 0x0041 0x0048 0x4f01)
# one_job LABEL - prints, and its user releases it until it is over
one_job()
{
	n=$((n + 1))
	faults_print "word$n"
	[ -z "${NOT_RELEASED:-}" ] || return
	check "$1: it comes to an end" wait_for 60 released_or_over $n
	check "$1: and its user is told that it printed" same "$(job_state $n)" completed
}

cuts="request:5 request:150 reply:0 reply:1 reply:45 reply:90"
[ -z "${SWEEP:-}" ] || cuts="$(seq -f 'request:%g' 4 24 500) $(seq -f 'reply:%g' 0 12 200)"
for cut in $cuts; do
	before=$(wire_events '^cut')
	for op in "${ops[@]}"; do wire cut "${cut%:*}" "$op" 1 "${cut#*:}"; done
	# A kept poll would bring the release; this one does not.
	wire cut "${cut%:*}" 0x001c 1 "${cut#*:}"
	one_job "$cut"
	wait_for 20 same_count $n
	note "$cut: $(($(wire_events '^cut') - before)) cuts"
	check "$cut: connections were cut there" test "$(($(wire_events '^cut') - before))" -ge 1
	wire clear
done

# What is said after a reconnection: subscribe, what was released, what is there
for cut in request:40 reply:0 reply:30; do
	for op in 0x0058 0x000a 0x0045; do wire cut "${cut%:*}" "$op" 1 "${cut#*:}"; done
	NOT_RELEASED=1 one_job "$cut"
	wait_for 10 job_registered $n
	wire drop-all
	lab_daemon_kill9
	lab_daemon_start
	check "$cut: after a restart it comes to an end" wait_for 60 released_or_over $n
	wire clear
done

# the reply was lost, and one of the two fell at that moment
for op in "${ops[@]}"; do
	wire hold reply "$op" 1
	[ "$op" != 0x0048 ] || echo 3 >"$LAB/hall/slow" # what is over at once is told once, with its record
	NOT_RELEASED=1 one_job "$op"
	[ "$op" = 0x0005 ] || { wait_for 40 job_registered $n && { timeout 20 "$LAB/bin/stillprint" release $n --device hall >/dev/null 2>&1 & }; }
	check "$op: the reply is held back" wait_for 15 relay_saw wire "^held reply .* $op"
	rm -f "$LAB/hall/slow"
	if [ $((n % 2)) = 0 ]; then lab_daemon_kill9; else srv_crash; fi
	wire drop
	if [ $((n % 2)) = 0 ]; then lab_daemon_start; else srv_up; fi
	check "$op: its reply was lost: it comes to an end" wait_for 60 released_or_over $n
	wire clear
	: >"$LAB/wire/events"
done
wait
faults_sum $n
plan_done
