#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7265-chaos.sh - five users print at once while the daemon and the server are killed at random, again and again: nothing is lost,
# nothing is printed or charged twice, and each user's sum is right.  SEED=N repeats a run, ROUNDS=N makes it longer.
# run-tests: deadline 240
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3 jq

SEED=${SEED:-$SRANDOM} ROUNDS=${ROUNDS:-8}
RANDOM=$((SEED & 32767))
users=(sp-ada sp-bob sp-cyd sp-dan sp-eve)
WS_PROBE_LOST=1s
lab_start
lab_tool put-job
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv device add corner "$(printer_uri corner)" --no-probe >/dev/null || die "device"
for user in "${users[@]}"; do srv user add "$user" <<<secret-pw >/dev/null || die "user"; done
ws_enrol Office
note "SEED=$SEED ROUNDS=$ROUNDS"

words=() n=0
# some_jobs - one more of each user
some_jobs()
{
	local user
	for user in "${users[@]}"; do
		n=$((n + 1))
		words+=("doc$n")
		lab_pdf "$LAB/doc.pdf" -n 2 -t "doc$n" >/dev/null
		"$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/doc.pdf" queue=Office title="doc$n" job-id="$n" created="$n" pages=2 owner="$user" ||
			die "put-job"
	done
}
# press - whoever's document waits is at one of the two devices, and presses
press()
{
	local id device
	for id in $(store_sql "SELECT id FROM job WHERE state = 'held' AND reason IN ('registered', 'given-back', 'aborted-at-device')"); do
		[ $((RANDOM % 2)) = 0 ] && device=hall || device=corner
		timeout 10 "$LAB/bin/stillprint" release "$id" --device "$device" >/dev/null 2>&1
	done
}
# Whoever is asked looks whether his document lies there, and says so.
answer()
{
	local id word
	for id in $(store_sql "SELECT id FROM job WHERE state = 'unknown'"); do
		word=$(store_sql "SELECT CAST(title AS TEXT) FROM job WHERE id = $id")
		asked[id]=1
		if [ "$(($(prints_of hall "$word") + $(prints_of corner "$word")))" -gt 0 ]; then
			job_act "$id" Release 'a{sv}' 1 printed b true >/dev/null 2>&1
		else
			job_act "$id" PrintAgain 'a{sv}' 0 >/dev/null 2>&1
		fi
	done
}
asked=()
# quiet - all is over here, and known and charged there
quiet()
{
	press
	answer
	[ "$(store_sql "SELECT count(*) FROM job WHERE state = 'completed'")" = "$n" ] &&
		[ "$(srv_sql "SELECT count(*) FROM job WHERE state = 'completed'")" = "$n" ] &&
		[ "$(srv_sql "SELECT count(DISTINCT document_uuid) FROM ledger_record")" = "$n" ]
}

for ((round = 1; round <= ROUNDS; round++)); do
	some_jobs
	[ $((RANDOM % 2)) = 0 ] || press
	nap "0.$((RANDOM % 10))" # anywhere, not for an event: that is the point
	case $((RANDOM % 3)) in
	0) lab_daemon_kill9 && lab_daemon_start ;;
	1) srv_crash && srv_up ;;
	*) lab_daemon_kill9 && srv_crash && srv_up && lab_daemon_start ;;
	esac
	[ $((RANDOM % 2)) = 0 ] || press
	nap "0.$((RANDOM % 10))"
	press
done
note "$n documents, $((${#asked[@]})) asked for meanwhile"
check "all of $n documents come to an end that both sides know" wait_for 150 quiet
twice=''
for word in "${words[@]}"; do
	out=$(($(prints_of hall "$word") + $(prints_of corner "$word")))
	[ "$out" = 1 ] || twice+=" $word=$out"
done
note "asked: ${#asked[@]} users"
check "each came out once" same "$twice" ""
check "each is known to the server once" same "$(srv_sql "SELECT count(*) FROM job")" "$n"
check "nobody's number of prints is wrong" same "$(srv_sql "SELECT group_concat(k || ' ' || c) FROM
	(SELECT owner AS k, count(*) AS c FROM job WHERE state = 'completed' GROUP BY owner ORDER BY owner)")" \
	"$(printf '%s\n' "${users[@]}" | sed "s/\$/ $ROUNDS/" | paste -sd,)"
check "the ledgers have each of them" same "$(srv ledger sum --by user --json | jq -r '[.totals[] | .key] | join(",")')" \
	"$(printf '%s\n' "${users[@]}" | paste -sd,)"
# Who was asked and had it printed again has a second record: of the first attempt, which nobody knows the end of.
check "one certain record for each document" same "$(srv_sql "SELECT count(*), count(DISTINCT document_uuid) FROM ledger_record
	WHERE state = 'completed'")" "$n|$n"
check "and one for each attempt that nobody knows the end of" same "$(srv_sql "SELECT count(*) FROM ledger_record WHERE state <> 'completed'")" \
	"$(store_sql "SELECT count(*) FROM ledger WHERE state <> 'completed'")"
check "the pages add up" same "$(srv ledger sum --by all --json | jq -c '.totals[0] | [.impressions, .uncounted]')" "[$((n * 2)),0]"
check "every chain is whole" srv ledger verify
check "nothing is left in the spool" wait_for 10 test -z "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)"
[ "${lab_failed:-0}" -eq 0 ] || note "SEED=$SEED ROUNDS=$ROUNDS repeats it"
plan_done
