#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7320-history.sh - what was printed before an enrolment stays here, unless asked for: at the first server, after leaving, with --with-history.
# run-tests: deadline 120
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3 jq

lab_start
lab_printer hall
ws_start Plain "$(printer_uri hall)"
wait_for 10 queue_is Plain ok
lab_pdf "$LAB/a.pdf" -n 2 -t alpha >/dev/null
ended() { [ "$(store_sql 'SELECT count(*) FROM ledger')" = "$1" ]; }
sent() { [ "$(store_sql 'SELECT count(*) FROM ledger WHERE acknowledged_s > 0')" = "$1" ]; }
marks() { sp usage --json | jq -r '[.rows | sort_by(.sequence)[] | if .acknowledged then "yes" elif .local_only then "no" else "-" end] | join(" ")'; }
good_chain() { srv ledger verify; }
# enrol [OPTIONS] - at the server, with the queue Office
enrol() { CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD stillprint setup Office --server "ipps://localhost:$SRV_PORT" \
	--code "$(srv_code)" --yes "$@" >"$LAB/enrol.said" 2>&1 && wait_for 10 queue_is Office ok; }
leave() { CUPS_SERVER=$LAB/ws/state/cups.sock stillprint setup --leave --yes >"$LAB/leave.said" 2>&1; }

ws_lp -d Plain "$LAB/a.pdf" >/dev/null && ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "two prints without a server" wait_for 15 ended 2
check "are nobody's" same "$(marks)" "- -"

srv_start
srv_queue Office hall
check "--with-history is for --server" not stillprint setup --renew --with-history --yes
check "the workstation enrols" enrol
ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "a third print" wait_for 15 ended 3
check "goes to the server" wait_for 15 sent 1
check "alone" same_count 1
check "which has its place in the chain" same "$(srv_sql 'SELECT max(sequence) FROM ledger_record')" 3
check "the others stay, and usage says so" same "$(marks)" "no no yes"
sp usage >"$LAB/usage"
check "in words" grep -qE 'no *$' "$LAB/usage"
check "the server's chains fit" good_chain

lab_daemon_stop
lab_daemon
wait_for 10 queue_is Office ok
ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "a restart is no enrolment: the ledger goes on" wait_for 15 sent 2
check "as the same one" same "$(srv_sql 'SELECT count(*) FROM ledger')" 1

# ---- left, and back
check "it leaves" leave
ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "prints alone" wait_for 15 ended 5
check "and enrols again" enrol
ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "the next print goes to the server" wait_for 15 sent 3
check "what it printed alone does not" same "$(marks)" "no no yes yes no yes"
check "the server's chains fit" good_chain

# ---- asked for
check "it leaves" leave
ws_lp -d Plain "$LAB/a.pdf" >/dev/null
check "prints alone" wait_for 15 ended 7
check "and enrols with its history" enrol --with-history
check "which is sent" wait_for 20 sent 4
check "what an earlier enrolment left here stays" same "$(marks)" "no no yes yes no yes yes"
check "the server's chains fit" good_chain
plan_done
