#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7264-cancel.sh - canceled at every moment, at the workstation and at the server: before it is known there, while it is
# being made known, held, released, asked for, taken over, on its way, at the device.  Nothing of it stays anywhere, both sides
# say that it was canceled, and what did not leave did not print.
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need ipptool sqlite3 jq

WS_PROBE_LOST=1s
lab_start
faults_start
n=1
uri=ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office
for op in Release-Job Cancel-Job; do
	cat >"$LAB/$op.test" <<-X
		{
			OPERATION $op
			GROUP operation-attributes-tag
			ATTR charset attributes-charset utf-8
			ATTR naturalLanguage attributes-natural-language en
			ATTR uri printer-uri \$uri
			ATTR integer job-id \$job
			STATUS successful-ok
		}
	X
done
at_server() { ipptool -tI -d job="$2" "$uri" "$LAB/$1.test" >/dev/null 2>&1; } # OPERATION JOB
held_up() { wait_for 15 relay_saw wire "^held $1 .* $2"; }
# another - a job, not yet canceled; its number in $n
another()
{
	: >"$LAB/wire/events"
	n=$((n + 1))
	faults_print "word$n"
}
# gone PLACE MOMENT [PRINTED] - it is canceled, here and there
gone()
{
	check "$2, canceled at the $1: it is canceled here" wait_for 40 job_is $n canceled
	check "$2, canceled at the $1: and at the server" wait_for 40 same_state $n canceled
	[ -n "${3:-}" ] || check "$2, canceled at the $1: nothing came out" same "$(prints_of hall "word$n")" 0
}

# ---- before it is known: at the workstation alone
wire hold request 0x0005 1
another
held_up request 0x0005
check "while it is being made known: canceled" sp cancel $n
wire resume
gone workstation "while it is being made known"

wire hold reply 0x0005 1
another
held_up reply 0x0005
check "when it is known and we have not heard so: canceled" sp cancel $n
wire drop
gone workstation "when it is known and we have not heard so"

wire hold request 0x0005 1
another
held_up request 0x0005
srv_crash
wire drop
check "before it could be made known: canceled" sp cancel $n
srv_up
check "before it could be made known: the server is there again" wait_for 20 queue_is Office ok
check "it is canceled here" job_is $n canceled
check "and never known there" same "$(srv_sql "SELECT count(*) FROM job WHERE title = 'word$n'")" 0

# From here on the two have numbers of their own: jobs are known by their words.
job_named() { srv_sql "SELECT id FROM job WHERE title = '$1'"; }
local_named() { store_sql "SELECT id FROM job WHERE CAST(title AS TEXT) = '$1'"; }
word=0
# one PLACE - a document that is known at the server, $here here and $there there
one()
{
	word=$((word + 1))
	name=$1$word
	: >"$LAB/wire/events"
	faults_print "$name"
	wait_for 15 named_there || return 1
	here=$(local_named "$name") there=$(job_named "$name")
	wait_for 10 job_registered "$here"
}
polled_since() { [ "$(wire_events '^reply .* 0x001c')" -gt "$1" ]; }
named_there() { [ -n "$(job_named "$name")" ]; }
give_up() { if [ "$1" = workstation ]; then sp cancel "$here"; else at_server Cancel-Job "$there"; fi; }
over_both()
{
	check "$2, canceled at the $1: it is canceled here" wait_for 40 job_is "$here" canceled
	check "$2, canceled at the $1: and at the server" wait_for 40 same_state "$there" canceled
}
nothing_out() { check "$1: nothing came out" same "$(prints_of hall "$name")" 0; }

for place in workstation server; do
	one $place
	give_up $place >/dev/null
	over_both $place held
	nothing_out "held, $place"

	# its holder asks what was released
	one $place
	wire hold request 0x0043 1
	at_server Release-Job "$there"
	held_up request 0x0043
	give_up $place >/dev/null
	wire resume
	over_both $place released
	nothing_out "released, $place"

	# it is being taken over: the word is on its way, or its answer
	for what in request reply; do
		one $place
		wire hold $what 0x0041 1
		at_server Release-Job "$there"
		held_up $what 0x0041
		polls=$(wire_events '^reply .* 0x001c')
		give_up $place >/dev/null
		[ $place = workstation ] || wait_for 10 polled_since "$polls"
		wire resume
		over_both $place "taken over ($what)"
		nothing_out "taken over, $place"
	done

	# at the device
	one $place
	echo 30 >"$LAB/hall/slow"
	started=$(wc -l <"$LAB/hall/started")
	at_server Release-Job "$there"
	wait_for 15 has_started hall $((started + 1))
	wait_for 10 job_is "$here" sent
	give_up $place >/dev/null
	check "at the device, canceled at the $place: the device is told" wait_for 20 daemon_log "job=$here event=cancel-job"
	rm "$LAB/hall/slow"
	over_both $place "at the device"

	# over: too late, and nothing changes
	one $place
	at_server Release-Job "$there"
	wait_for 20 job_is "$here" completed
	wait_for 20 same_state "$there" completed
	check "printed, at the $place: it cannot be canceled any more" not give_up $place
	check "printed, at the $place: and is called completed" same "$(job_state "$here") $(srv_job "$there" state)" "completed completed"
done

check "the server waits for nothing" same "$(srv_sql "SELECT count(*) FROM job WHERE ended_ms = 0")" 0
check "every ledger is whole" srv ledger verify
check "nothing is left in the spool" wait_for 10 test -z "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)"
plan_done
