#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7220-kill.sh - kill -9 of the workstation's daemon at each step between a registration and its reported end, and of the
# server at the same time: each document comes out once, or its user is asked; the server and its ledger agree.
# run-tests: deadline 300
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3

lab_start
make -s -C "$LAB_TOP" OUT="$LAB_OUT/faults" FAULTS=1 "$LAB_OUT/faults/bin/stillprintd" >&2 || die "no daemon with fault points"
install -m 755 "$LAB_OUT/faults/bin/stillprintd" "$LAB/bin/stillprintd-faults" && LAB_DAEMON=$LAB/bin/stillprintd-faults
lab_printer hall
srv_start
srv_queue Office hall
ws_enrol Office
mkdir -p "$LAB/faults" && chmod 777 "$LAB/faults"

daemon_dead() { ! lab_alive stillprintd; }
over() { [ "$(job_state "$1")" = completed ] || [ "$(job_state "$1")" = unknown ]; }
# released N - the job is released, from wherever it may be by now; more than once does no harm
released()
{
	[ "$(srv_job "$1" state)" != held ] || sp release "$1" --device hall >/dev/null 2>&1
	over "$1" || [ "$(srv_job "$1" state)" != held ]
}

lab_pdf "$LAB/first.pdf" -t first >/dev/null
ws_lp -d Office "$LAB/first.pdf" >/dev/null # the printer is known to count from here on
wait_for 10 job_registered 1
sp release 1 --device hall >/dev/null
wait_for 15 job_is 1 completed || die "the first one does not print"
lab_daemon_stop

n=1
for point in register-answered registered claimed claim-answered creating created send-answered sent completed end-reported; do
	n=$((n + 1))
	word=word$n
	rm -f "$LAB/faults"/*
	lab_pdf "$LAB/$word.pdf" -n 2 -t "$word" >/dev/null
	lab_daemon STILLPRINT_FAULT="$point" STILLPRINT_FAULT_DIR="$LAB/faults"
	wait_for 10 queue_is Office ok >/dev/null
	ws_lp -d Office "$LAB/$word.pdf" >/dev/null
	case $point in
	register*) ;;
	*) wait_for 10 job_registered $n && sp release $n --device hall >/dev/null 2>&1 ;;
	esac
	check "$point: the daemon was killed there" wait_for 15 daemon_dead
	check "$point: by the fault point" test -e "$LAB/faults/$point"
	lab_end stillprintd
	# Every other time the server falls at the same moment.
	[ $((n % 2)) = 0 ] || { srv_crash && srv_up; }
	printf '' >"$LAB/daemon.env"
	lab_daemon_start
	check "$point: it is released, before or again" wait_for 60 released $n
	check "$point: it comes to an end" wait_for 40 over $n
	note "$point: $(job_state $n), $(job_reason $n), printed $(prints_of hall "$word")"
	check "$point: it came out once" same "$(prints_of hall "$word")" 1
	[ "$(job_state $n)" = completed ] || job_act $n Release 'a{sv}' 1 printed b true >/dev/null
	check "$point: the server has its end" wait_for 30 same_state $n completed
	lab_daemon_stop
done
lab_daemon
check "one record for each document at the server" wait_for 20 same_count $n
check "and no two of one print" same "$(srv_sql 'SELECT count(DISTINCT document_uuid) FROM ledger_record')" $n
check "nothing is left in the spool" same "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ""
plan_done
