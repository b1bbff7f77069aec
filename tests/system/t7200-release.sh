#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7200-release.sh - client spooling: the server gets a kilobyte, the device gets the document, after the user's release.
# run-tests: deadline 120
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need ipptool sqlite3

lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv device add corner "$(printer_uri corner)" --no-probe >/dev/null
ws_enrol Office

lab_pdf "$LAB/report.pdf" -n 3 -t report >/dev/null
ws_lp -d Office -t "Quarterly figures" "$LAB/report.pdf" >/dev/null
check "a job is made known to the server, and held" wait_for 10 job_registered 1
check "it says so to its user" grep -q "Stored here; release it at the device" <(sp why 1)
check "the server knows whose it is, and what it costs" \
	same "$(srv_job 1 "owner || ' ' || title || ' ' || impressions || ' ' || state")" "$LAB_USER Quarterly figures 3 held"
check "nothing has printed" same "$(prints hall)" 0
check "the server has no document" not grep -rqa "%PDF" "$LAB/server/state"

check "its user releases it from the desk" sp release 1 --device hall
check "it comes out at that device" wait_for 10 has_prints hall 1
check "whole" same "$(print_pages hall 1)" 3
check "and ends by the device's word" wait_for 10 job_is 1 completed
check "the server hears of the end" wait_for 10 same_state 1 completed
check "with the count of the device" same "$(srv_job 1 impressions_done)" 3
check "the document is gone from the workstation" same "$(find "$LAB/spool/jobs" -type f)" ""

ws_lp -d Office -o sides=two-sided-long-edge "$LAB/report.pdf" >/dev/null
wait_for 10 job_registered 2
check "another device gets what is released there" sp release 2 -d corner
check "and prints it" wait_for 10 has_prints corner 1
check "the queue's own is left alone" same "$(prints hall)" 1

ws_lp -d Office "$LAB/report.pdf" >/dev/null
wait_for 10 job_registered 3
sp release 3 --device nowhere >"$LAB/said" 2>&1
check "a device that the server does not know is an error that says so" grep -qi "device" "$LAB/said"
check "and the job stays" job_registered 3
check "canceled here" sp cancel 3
check "it is canceled at the server" wait_for 10 same_state 3 canceled

# ---- at the server
uri=ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office
cat >"$LAB/release.test" <<'X'
{
	OPERATION Release-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id $job
	ATTR name output-device $device
	STATUS successful-ok
}
X
ws_lp -d Office "$LAB/report.pdf" >/dev/null
wait_for 10 job_registered 4
check "stock ipptool lists one's own jobs" ipptool_lists "$uri" 4
check "and releases one" ipptool -tI -d job=4 -d device=hall "$uri" "$LAB/release.test"
check "it comes out" wait_for 10 has_prints hall 2
check "exactly once" wait_for 10 job_is 4 completed

sed 's/Release-Job/Cancel-Job/; /output-device/d' "$LAB/release.test" >"$LAB/cancel.test"
ws_lp -d Office "$LAB/report.pdf" >/dev/null
wait_for 10 job_registered 5
check "its user deletes one at the server" ipptool -tI -d job=5 "$uri" "$LAB/cancel.test"
check "it is canceled here, with the reason" wait_for 10 job_is 5 canceled
check "told as the server's" same "$(job_reason 5)" canceled-at-server
check "and erased" same "$(find "$LAB/spool/jobs" -type f)" ""

check "the ledger arrives, row by row" wait_for 15 ledger_has 3
check "nothing printed twice" same "$(prints hall) $(prints corner)" "2 1"
plan_done
