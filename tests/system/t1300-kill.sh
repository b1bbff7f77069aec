#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1300 - kill -9 of the daemon at each step of the journal, and again at the same step after the restart: every
# document comes out once, or its outcome is unknown and the user is asked; never twice, never lost.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
make -s -C "$LAB_TOP" OUT="$LAB_OUT/faults" FAULTS=1 "$LAB_OUT/faults/bin/stillprintd" >&2 || die "no daemon with fault points"
install -m 755 "$LAB_OUT/faults/bin/stillprintd" "$LAB/bin/stillprintd-faults" && LAB_DAEMON=$LAB/bin/stillprintd-faults
lab_printer mfp
ws_conf office "$(printer_uri mfp)"
lab_cupsd ws
mkdir -p "$LAB/faults"
chmod 777 "$LAB/faults"

daemon_dead() { ! lab_alive stillprintd; }
settled() { [ "$(job_state "$1")" = completed ] || [ "$(job_state "$1")" = unknown ]; }

lab_daemon
ws_queue office
lab_pdf "$LAB/first.pdf" -t first >/dev/null
ws_lp -d office "$LAB/first.pdf" >/dev/null # the printer is known to count from here on
wait_for 10 job_is 1 completed
lab_daemon_stop

n=1
for point in taken row-added creating create-answered created sending send-answered sent completed; do
	n=$((n + 1))
	word=word$n
	rm -f "$LAB/faults"/*
	lab_pdf "$LAB/$word.pdf" -n 2 -t "$word" >/dev/null
	lab_daemon STILLPRINT_FAULT="$point" STILLPRINT_FAULT_DIR="$LAB/faults"
	ws_lp -d office "$LAB/$word.pdf" >/dev/null
	check "$point: the daemon was killed there" wait_for 10 daemon_dead
	check "$point: by the fault point" test -e "$LAB/faults/$point"
	lab_end stillprintd
	rm "$LAB/faults/$point"
	# It is killed there once more if the restart leads through the same step; then it may pass.
	(lab_daemon_start) >/dev/null 2>&1
	wait_for 1 daemon_dead >/dev/null 2>&1 && lab_end stillprintd && lab_daemon_start
	check "$point: after the restart the job comes to an end" wait_for 20 settled $n
	note "$point: $(job_state $n), $(job_reason $n), printed $(prints_of mfp "$word")"
	if [ "$point" = sending ]; then
		# This printer tells no sheets, so it cannot give its word that nothing printed.
		check "$point: the outcome is unknown, and not guessed" job_is $n unknown
		check "$point: it came out at most once" test "$(prints_of mfp "$word")" -le 1
		check "$point: the user can say that it printed" job_act $n Release 'a{sv}' 1 printed b true
	else
		check "$point: done" job_is $n completed
		check "$point: it came out once" same "$(prints_of mfp "$word")" 1
	fi
	lab_daemon_stop
done
lab_daemon
check "one ledger row for each document" same "$(store_sql 'select count(*), count(distinct document_uuid) from ledger')" "$n|$n"
check "nothing is left in the spool" same "$(ls -A "$LAB/spool/jobs" "$LAB/spool/incoming" | grep -c job$)" 0
plan_done
