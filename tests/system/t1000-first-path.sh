#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1000 - lp to the upstream: stored, delivered once, followed to the printer's own final state, erased.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer mfp --rich
lab_pdf "$LAB/a.pdf" -n 3 -t alpha >"$LAB/a.sha"
ws_start office "$(printer_uri mfp)"

ws_lp -d office -t "First words" "$LAB/a.pdf" >/dev/null
check "a document printed to the queue comes out of the printer" wait_for 10 has_prints mfp 1
check "it came out with its pages" same "$(print_pages mfp 1)" 3
check "the printer's own final state ends the job" wait_for 10 job_is 1 completed
check "and it is the printer's word" same "$(job_reason 1)" device-reported
check "the document is erased from the spool" wait_for 5 not test -n "$(ls -A "$LAB/spool/jobs")"
check "its key is erased from the store" same "$(store_sql 'select count(*) from document_key')" 0
check "one ledger row says what was printed" \
	same "$(store_sql 'select impressions, copies, diverted from ledger')" "3|1|0"
check "cupsd verified the owner" wait_for 5 owner_verified 1
check "it printed once" same "$(prints mfp)" 1

ws_lp -d office "$LAB/a.pdf" "$LAB/a.pdf" >/dev/null
check "the same file twice in one job prints twice" wait_for 10 has_prints mfp 3
check "and each is a job of its own" wait_for 10 job_is 3 completed
plan_done
