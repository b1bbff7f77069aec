#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1800 - one daemon, one store: a second starter, a newer store, a full disk at each step and room again, the limits of
# the spool, kill -9 with twenty jobs under way, SIGTERM in mid-document. Nothing is lost, nothing comes out twice.
[ -n "${T1800_MOUNTS:-}" ] || [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null ||
	exec env T1800_MOUNTS=1 unshare -m --propagation private bash "$0" "$@" # a tmpfs of our own, gone with us
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
trap 'rc=$?; umount -l "$LAB/state" 2>/dev/null; (exit $rc); lab_cleanup' EXIT
need sqlite3
lab_printer mfp
lab_printer spare
lab_relay net "localhost:$(printer_port mfp)"
upstream=ipp://localhost:$(relay_port net)/ipp/print
for w in warm alpha bravo charlie delta echo foxtrot golf hotel; do lab_pdf "$LAB/$w.pdf" -t $w >/dev/null; done
settled() { case $(job_state "$1") in completed | unknown) ;; *) return 1 ;; esac; }
spool_empty() { [ -z "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -name '*.job')" ]; }
# start_another - a daemon beside the first, or on what the first left; sets rc and said
start_another()
{
	said=$(timeout 10 setpriv --reuid stillprint --regid stillprint --init-groups "$LAB_DAEMON" 2>&1)
	rc=$?
}
log_count() { grep -c -- "$1" "$LAB/log/stillprintd.log"; }
log_grew() { [ "$(log_count "$1")" -gt "$2" ]; } # TEXT COUNT
# full PHASE - the disk of the state folder takes nothing any more
full() { dd if=/dev/zero of="$LAB/state/fill" bs=4096 2>/dev/null; waits=$(log_count 'event=commit-waits'); }
room() { rm -f "$LAB/state/fill"; }
same_reason() { [ "$(job_reason "$1")" = "$2" ]; }

mounted=''
[ -z "${T1800_MOUNTS:-}" ] || ! mount -t tmpfs -o size=3m tmpfs "$LAB/state" || mounted=1
ws_start office "$upstream" "fallback = $(printer_uri spare)"
ws_lp -d office "$LAB/warm.pdf" >/dev/null
wait_for 10 job_is 1 completed

# two daemons
pid=$(lab_pid stillprintd)
start_another
check "a second daemon ends with 75" same "$rc" 75
check "and names the holder" grep -q "holder-pid=$pid " <<<"$said"
check "which is the first, and lives" same "$(<"$LAB/state/lock") $(queue_health office)" "$pid ok"

# a newer store
lab_daemon_stop
version=$(sqlite3 "$LAB/state/store.db" 'pragma user_version')
sqlite3 "$LAB/state/store.db" 'pragma user_version = 99'
chown stillprint: "$LAB"/state/*
before=$(sha256sum "$LAB"/state/store*)
start_another
check "a newer store is refused with 65" same "$rc" 65
check "and says why, and what to do" grep -q 'newer Stillprint.*left untouched' <<<"$said"
check "and is untouched" same "$(sha256sum "$LAB"/state/store*)" "$before"
sqlite3 "$LAB/state/store.db" "pragma user_version = $version"
chown stillprint: "$LAB"/state/*
lab_daemon_start
check "the store of before is opened again" wait_for 5 job_is 1 completed

# the state's disk is full
if [ -n "$mounted" ]; then
	full
	n=$(log_count 'event=intake-commit-failed')
	ws_lp -d office "$LAB/alpha.pdf" >/dev/null
	ws_lp -d office "$LAB/bravo.pdf" >/dev/null
	check "disk full: what comes in cannot be written down" wait_for 10 log_grew 'event=intake-commit-failed' "$n"
	check "disk full: it stays where CUPS left it, or in our folder" not spool_empty
	check "disk full: nothing is sent" same "$(prints mfp) $(prints spare)" "1 0"
	room
	check "room again: both print" wait_for 20 has_prints mfp 3
	check "room again: in order, once" same "$(printed_order mfp)" "warm alpha bravo"
	wait_for 10 all_jobs_are completed 2 3

	# in the middle of a delivery: before its job-id, before SENT, before the end
	word=(charlie delta echo) op=(0x0005 0x0006 '') step=("the printer's number" "the printer's receipt" "the end")
	for i in 0 1 2; do
		n=$((i + 4))
		lab_daemon_restart # the log of the store begins small again
		if [ -n "${op[i]}" ]; then net hold reply "${op[i]}" 1; else echo 30 >"$LAB/mfp/slow"; fi
		ws_lp -d office "$LAB/${word[i]}.pdf" >/dev/null
		if [ -n "${op[i]}" ]; then
			wait_for 10 relay_saw net "held reply .* ${op[i]}"
		else
			wait_for 10 job_is $n sent
			wait_for 10 same_reason $n printing
		fi
		full
		net resume
		rm -f "$LAB/mfp/slow"
		check "disk full before ${step[i]} is written down: it waits" wait_for 15 log_grew 'event=commit-waits' "$waits"
		[ $i -ne 2 ] || check "and a cancel waits with it" not timeout 1 stillprint cancel $n
		room
		check "room again: it comes to its end" wait_for 20 job_is $n completed
		check "once" same "$(prints_of mfp "${word[i]}") $(prints_of spare "${word[i]}")" "1 0"
		net clear
		: >"$LAB/net/events"
	done
	check "one row in the ledger for each" same "$(store_sql 'select count(*), count(distinct document_uuid) from ledger')" "6|6"

	# the server comes back while it cannot be written down that a job waits for it
	ws_conf office "$upstream" "on-outage = hold"
	net silent
	lab_daemon_restart
	ws_lp -d office "$LAB/foxtrot.pdf" >/dev/null
	wait_for 3 job_is 7 pending
	full
	check "disk full before a job's waiting is written down: it waits" wait_for 10 log_grew 'event=commit-waits' "$waits"
	net pass
	wait_for 10 queue_is office ok
	nap 0.2
	room
	check "the server came back meanwhile: the job goes" wait_for 15 job_is 7 completed
	check "once, it too" same "$(prints_of mfp foxtrot)" 1
	check "nothing is left in the spool" wait_for 5 spool_empty
else
	skip "the state's disk is full, at each step, and has room again" "no mount namespace here"
fi
lab_daemon_stop

# kill -9 with twenty jobs under way
rm -f "$LAB/state"/store.db* && : >"$LAB/mfp/prints" && : >"$LAB/spare/prints"
ws_conf office "$upstream" "fallback = $(printer_uri spare)"
lab_daemon_start
words=()
for i in $(seq 20); do words+=("twenty$i") && lab_pdf "$LAB/twenty$i.pdf" -t "twenty$i" >/dev/null; done
for w in "${words[@]}"; do ws_lp -d office "$LAB/$w.pdf" >/dev/null; done
for at in 2 7 12; do
	wait_for 20 has_prints mfp $at
	lab_daemon_kill9
	lab_daemon_start
done
all_settled() { for i in $(seq 20); do settled "$i" || return 1; done; }
check "killed three times with twenty jobs: all come to an end" wait_for 60 all_settled
check "twenty jobs, no more, no fewer" same "$(store_sql 'select count(*) from job')" 20
twice='' lost=''
for i in $(seq 20); do
	title=$(store_sql "select cast(title as text) from job where id = $i") && title=${title%.pdf}
	out=$(($(prints_of mfp "$title") + $(prints_of spare "$title")))
	[ "$out" -le 1 ] || twice+=" $title"
	[ "$out" -eq 1 ] || job_is "$i" unknown || lost+=" $title"
done
check "none came out twice" same "$twice" ""
check "none is lost: out, or its user is asked" same "$lost" ""
note "unknown: $(store_sql "select count(*) from job where state = 'unknown'") of 20"
check "one row in the ledger for each that is over" same \
	"$(store_sql 'select count(*), count(distinct document_uuid) from ledger')" \
	"$(store_sql "select count(*) || '|' || count(*) from job where state = 'completed'")"

# SIGTERM in mid-document
lab_pdf "$LAB/big.pdf" -n 20 -b 3000000 -t big >/dev/null
net rate 400000
net clear
ws_lp -d office "$LAB/big.pdf" >/dev/null
wait_for 20 job_is 21 sending
nap 1
kill -TERM "$(lab_pid stillprintd)"
check "SIGTERM in mid-document: the daemon ends at once" wait_for 5 pid_gone "$(lab_pid stillprintd)"
net rate 0
lab_daemon_start
check "after it the document is whole, or its user is asked" wait_for 30 settled 21
note "SIGTERM: $(job_state 21) $(job_reason 21), printed $(prints_of mfp big)"
check "it did not come out twice" test "$(prints_of mfp big)" -le 1
check "and went nowhere else" same "$(prints_of spare big)" 0

# the limits of the spool
lab_daemon_stop
rm -f "$LAB/state"/store.db* "$LAB"/spool/jobs/*
net refuse
export WS_GLOBALS='spool-max = 1MB'
ws_conf office "$upstream" "on-outage = hold"
lab_daemon_start
for w in one two three four; do lab_pdf "$LAB/$w.pdf" -b 200000 -t $w >/dev/null; done
LAB_USER=games ws_lp -d office "$LAB/four.pdf" >/dev/null
wait_for 10 job_held_for 1 server-lost-hold
ws_lp -d office "$LAB/one.pdf" >/dev/null
wait_for 10 job_held_for 2 server-lost-hold
ws_lp -d office "$LAB/two.pdf" >/dev/null
wait_for 10 job_held_for 3 server-lost-hold
check "under half of the spool each, all wait" all_jobs_are held 1 2 3
ws_lp -d office "$LAB/three.pdf" >/dev/null
check "a user with more than half loses his oldest" wait_for 10 job_is 2 expired
check "with the reason" same "$(job_reason 2)" spool-full
check "not somebody else's" wait_for 5 all_jobs_are held 1 3 4
check "its document and key are gone" same \
	"$(ls "$LAB/spool/jobs" | wc -l) $(store_sql 'select count(*) from document_key')" "3 3"
check "he is told" daemon_log 'job=2 event=notice kind=attention'

# retention
export WS_GLOBALS='held-max = 1h'
ws_conf office "$upstream" "on-outage = hold"
lab_daemon_stop
sqlite3 "$LAB/state/store.db" 'update job set stored_s = stored_s - 7200 where id = 3'
chown stillprint: "$LAB"/state/*
lab_daemon_start
check "held longer than allowed: erased" wait_for 10 job_is 3 expired
check "with the reason" same "$(job_reason 3)" expired
check "the others stay" all_jobs_are held 1 4
check "an audit line for each" same "$(store_sql "select count(*) from audit where event = 'expired'")" 2
plan_done
