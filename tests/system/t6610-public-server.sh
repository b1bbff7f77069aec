#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6610 - a public computer of a server of ours: who logs out leaves nothing to release there, and what she has
# released is printed.
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

WS_GLOBALS='public-workstation = yes'
who_start
there() { srv_sql "SELECT state FROM job WHERE id = $1"; }
is_there() { [ "$(there "$1")" = "$2" ]; }

check "anna logs in" anna_logs_in
check "her job waits at the server" printed_for "$one" "anna verified"
check "as one to be released" wait_for 5 is_there 1 held
check "she is told that it goes with her session" wait_for 10 daemon_log "job=1 event=notice kind=public-workstation"
check "logout" anna_logs_out
check "her document is gone here" wait_for 15 job_is 1 canceled
check "and nothing is left to release there" wait_for 10 is_there 1 canceled
check "nothing was printed" same "$(prints_of hall alpha)" 0
check "nor charged" same "$(srv_sql "SELECT count(*) FROM ledger_record")" 0

# released at the device before she leaves
check "anna is back" anna_logs_in
check "another job waits" printed_for "$one" "anna verified"
echo 30 >"$LAB/hall/slow"
check "she releases it" sp release 2 --device hall
wait_for 15 job_is 2 sent
check "and logs out while it prints" anna_logs_out
rm "$LAB/hall/slow"
check "it comes out all the same" wait_for 15 job_is 2 completed
check "once" same "$(prints_of hall alpha)" 1
plan_done
