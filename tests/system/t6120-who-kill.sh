#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6120-who-kill - kill -9 of the daemon when it knows who printed, or has told the server: after his logout it says the same.
# run-tests: deadline 180
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"
# shellcheck source=tests/system/who.sh
. "$(dirname "$0")/who.sh"

who_start
make -s -C "$LAB_TOP" OUT="$LAB_OUT/faults" FAULTS=1 "$LAB_OUT/faults/bin/stillprintd" >&2 || die "no daemon with fault points"
install -m 755 "$LAB_OUT/faults/bin/stillprintd" "$LAB/bin/stillprintd-faults" && LAB_DAEMON=$LAB/bin/stillprintd-faults
mkdir -p "$LAB/faults" && chmod 777 "$LAB/faults"
lab_daemon_stop
daemon_dead() { ! lab_alive stillprintd; }

for point in who-kept register-answered registered; do
	rm -f "$LAB/faults"/*
	lab_daemon STILLPRINT_FAULT="$point" STILLPRINT_FAULT_DIR="$LAB/faults"
	wait_for 10 queue_is Office ok >/dev/null
	check "$point: anna logs in" anna_logs_in
	lab_lp ws -d Office "$LAB/a.pdf" >/dev/null
	check "$point: the daemon was killed there" wait_for 15 daemon_dead
	check "$point: by the fault point" test -e "$LAB/faults/$point"
	lab_end stillprintd
	check "$point: she logs out" anna_logs_out
	printf '' >"$LAB/daemon.env"
	lab_daemon_start
	check "$point: the job is there" who_took
	check "$point: the server has it as hers, verified" at_server "$last" "anna verified"
	check "$point: once" same "$(srv_sql "SELECT count(*) FROM job")" "$last"
	check "$point: the next one is claimed" printed_for "$one" "anna claimed"
	lab_daemon_stop
done
plan_done
