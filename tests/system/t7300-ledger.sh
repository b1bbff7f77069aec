#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7300-ledger.sh - accounting reaches the server once: kill -9 of the daemon around an acknowledgement, a server that is
# away, one that was restored from a backup, a row that was changed in the workstation's store, an erased person.
# run-tests: deadline 180
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3 python3

lab_start
make -s -C "$LAB_TOP" OUT="$LAB_OUT/faults" FAULTS=1 "$LAB_OUT/faults/bin/stillprintd" >&2 || die "no daemon with fault points"
install -m 755 "$LAB_OUT/faults/bin/stillprintd" "$LAB/bin/stillprintd-faults" && LAB_DAEMON=$LAB/bin/stillprintd-faults
mkdir -p "$LAB/faults"
chmod 777 "$LAB/faults"
lab_printer hall
srv_start
srv_queue Office hall
ws_enrol Office
lab_pdf "$LAB/report.pdf" -n 2 -t report >/dev/null

daemon_dead() { ! lab_alive stillprintd; }
acknowledged() { [ "$(store_sql 'SELECT count(*) FROM ledger WHERE acknowledged_s = 0')" = 0 ] && [ "$(store_sql 'SELECT count(*) FROM ledger')" = "$1" ]; }
at_server() { [ "$(srv_sql 'SELECT count(*) FROM ledger_record') $(srv_sql 'SELECT count(*) FROM ledger_print')" = "$1 $1" ]; }
good_chain() { srv ledger verify; }
job=0
# hold - one more job, held and known at the server; print - and released to the printer
hold() { ws_lp -d Office "$LAB/report.pdf" >/dev/null && job=$((job + 1)) && wait_for 10 job_registered $job; }
print() { hold && sp release $job --device hall >/dev/null; }

print
check "a print is acknowledged by the server" wait_for 10 acknowledged 1
check "which has it" at_server 1
usage() { sp usage --json | python3 -c 'import json, sys; print(*[r["acknowledged"] for r in json.load(sys.stdin)["rows"]])'; }
check "usage says so" same "$(usage)" True
check "owner, pages and certainty are as told" same \
	"$(srv_sql "SELECT CAST(owner AS TEXT), impressions, certainty FROM ledger_record JOIN ledger_person ON record_id = id")" \
	"$LAB_USER|$(store_sql 'SELECT impressions FROM ledger')|$(store_sql 'SELECT certainty FROM ledger')"
lab_daemon_stop

for point in settle-answered settle-acknowledging settle-acknowledged; do
	rm -f "$LAB/faults"/*
	lab_daemon STILLPRINT_FAULT_DIR="$LAB/faults"
	wait_for 10 queue_is Office ok
	hold
	lab_daemon_stop
	lab_daemon STILLPRINT_FAULT="$point" STILLPRINT_FAULT_DIR="$LAB/faults"
	wait_for 10 queue_is Office ok
	sp release $job --device hall >/dev/null 2>&1
	check "$point: the daemon was killed there" wait_for 15 test -e "$LAB/faults/$point"
	wait_for 5 daemon_dead
	lab_end stillprintd
	lab_daemon STILLPRINT_FAULT_DIR="$LAB/faults"
	wait_for 10 queue_is Office ok
	[ "$(job_state $job)" = completed ] || sp release $job --device hall >/dev/null 2>&1
	check "$point: after the restart the row is acknowledged" wait_for 15 acknowledged $job
	check "$point: it is there once" at_server $job
	lab_daemon_stop
done

LAB_DAEMON=$LAB/bin/stillprintd
lab_daemon
wait_for 10 queue_is Office ok
srv_stop
cp "$LAB/server/state/server.db" "$LAB/old.db"
srv_up
wait_for 20 queue_is Office ok
print
check "a row that the backup lacks" wait_for 15 at_server $job
check "was acknowledged" wait_for 10 acknowledged $job
srv_stop
rm -f "$LAB/server/state"/server.db*
install -o stillprint -g stillprint -m 600 "$LAB/old.db" "$LAB/server/state/server.db"
srv_up
check "a server restored from a backup is sent again what it lost" wait_for 30 at_server $job
check "and acknowledges it" wait_for 10 acknowledged $job
check "its chains fit" good_chain

lab_daemon_stop
srv_stop
sqlite3 "$LAB/state/store.db" "UPDATE ledger SET acknowledged_s = 0 WHERE sequence >= $job; UPDATE ledger SET impressions = 1000 WHERE sequence = $job; UPDATE ledger_state SET acknowledged = $job - 1" ||
	die "no store"
rm -f "$LAB/server/state"/server.db*
install -o stillprint -g stillprint -m 600 "$LAB/old.db" "$LAB/server/state/server.db"
srv_up
lab_daemon
wait_for 10 queue_is Office ok
print
check "a changed row is not sent, the next one is" wait_for 15 at_server $((job - 1))
check "it is not acknowledged" same "$(store_sql 'SELECT count(*) FROM ledger WHERE acknowledged_s = 0')" 1
check "and the audit tells" store_has "SELECT 1 FROM audit WHERE event = 'ledger-closed' AND to_uri LIKE 'damaged%'"
check "nothing of it is at the server" same "$(srv_sql 'SELECT count(*) FROM ledger_record WHERE impressions = 1000')" 0
check "whose chains fit" good_chain
plan_done
