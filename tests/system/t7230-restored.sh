#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7230-restored.sh - the server comes back with an older database: what the workstation holds is registered again, what was
# printed is not printed twice, and the ledger is complete again.
# run-tests: deadline 120
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3

lab_start
lab_printer hall
srv_start
srv_queue Office hall
ws_enrol Office
for word in early ended waits; do lab_pdf "$LAB/$word.pdf" -t $word >/dev/null; done

ws_lp -d Office "$LAB/early.pdf" >/dev/null
wait_for 10 job_registered 1 || die "not registered"
srv_stop
mkdir "$LAB/old" && cp -p "$LAB/server/state"/server.db* "$LAB/old/" || die "no copy"
srv_up
wait_for 20 queue_is Office ok || die "not back"

check "a job that the copy knows as held prints" sp release 1 --device hall
check "to its end" wait_for 15 job_is 1 completed
ws_lp -d Office "$LAB/ended.pdf" >/dev/null
wait_for 10 job_registered 2
check "one that the copy does not know prints" sp release 2 --device hall
check "to its end too" wait_for 15 job_is 2 completed
ws_lp -d Office "$LAB/waits.pdf" >/dev/null
wait_for 10 job_registered 3 || die "not registered"
check "the server has both records" wait_for 15 same_count 2

srv_crash
rm -f "$LAB/server/state"/server.db*
cp -p "$LAB/old"/* "$LAB/server/state/"
check "the copy has no record" same_count 0
check "and does not know the later jobs" same "$(srv_sql 'SELECT count(*) FROM job')" 1
srv_up
check "the server is there again" wait_for 20 queue_is Office ok
registered_anew() { [ "$(srv_sql "SELECT count(*) FROM job WHERE state = 'held'")" = 1 ] && job_registered 3; }
check "what waits is registered again, what is over is not held" wait_for 20 registered_anew
check "the ledger is complete again" wait_for 20 same_count 2
check "nothing was printed by that" same "$(prints_of hall early) $(prints_of hall ended) $(prints_of hall waits)" "1 1 0"
check "what waits is released" sp release 3 --device hall
check "and prints" wait_for 15 job_is 3 completed
check "each once" same "$(prints_of hall early) $(prints_of hall ended) $(prints_of hall waits)" "1 1 1"
check "with a record each" wait_for 15 same_count 3
plan_done
