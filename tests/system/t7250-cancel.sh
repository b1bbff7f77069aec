#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7250-cancel.sh - given up at the server while the device gets the document; and a device that cannot take a released one:
# its user is told, the job is held again, and prints when it is released once more.
# run-tests: deadline 150
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need ipptool sqlite3

lab_start
lab_printer hall
lab_relay device "localhost:$(printer_port hall)"
srv_start
srv device add hall "ipp://localhost:$(relay_port device)/ipp/print" --no-probe >/dev/null || die "device"
srv_queue Office hall
ws_enrol Office
lab_pdf "$LAB/big.pdf" -n 40 -b 4000000 -t big >/dev/null
lab_pdf "$LAB/page.pdf" -t page >/dev/null
uri=ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office
cat >"$LAB/cancel.test" <<'X'
{
	OPERATION Cancel-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id $job
	STATUS successful-ok
}
X

# ---- while the document is on its way to the device
relay device rate 300000 >/dev/null
ws_lp -d Office "$LAB/big.pdf" >/dev/null
wait_for 10 job_registered 1 || die "not registered"
sp release 1 --device hall >/dev/null
check "the document is on its way" wait_for 15 job_is 1 sending
check "its user gives it up at the server" ipptool -tI -d job=1 "$uri" "$LAB/cancel.test"
check "the workstation stops" wait_for 40 job_is 1 canceled
check "the server has its end" wait_for 20 same_state 1 canceled
# This printer prints what it has got of a document that is cut off.
check "it did not come out whole" same "$(awk '$4 > 4000000' "$LAB/hall/prints")" ""
n=$(prints hall)
check "and is erased" same "$(find "$LAB/spool/jobs" -type f)" ""
relay device rate 0 >/dev/null

# ---- a device that is off
relay device refuse >/dev/null
ws_lp -d Office "$LAB/page.pdf" >/dev/null
wait_for 10 job_registered 2 || die "not registered"
sp release 2 --device hall >/dev/null
check "a device that is off: held again, with the reason" wait_for 20 job_held_for 2 given-back
check "at the server too" wait_for 20 same_state 2 held
check "its user reads why there" grep -qi "reach" <(srv_job 2 message)
relay device pass >/dev/null
check "released once more" sp release 2 --device hall
check "it prints" wait_for 15 job_is 2 completed
check "once" same "$(prints hall)" $((n + 1))

# ---- released twice at once, from two places
ws_lp -d Office "$LAB/page.pdf" >/dev/null
wait_for 10 job_registered 3 || die "not registered"
sed 's/Cancel-Job/Release-Job/' "$LAB/cancel.test" >"$LAB/release.test"
ipptool -tI -d job=3 "$uri" "$LAB/release.test" >/dev/null 2>&1 &
sp release 3 --device hall >/dev/null 2>&1
wait $!
check "released twice, it prints" wait_for 15 job_is 3 completed
check "once again" same "$(prints hall)" $((n + 2))
plan_done
