#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7020 - the stock ipptool files that apply, and our own: docs/conformance.md says which and why.
# run-tests: deadline 240
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"

lab_start
server_start
server_machine one
server_machine two
files=$LAB_TOP/tests/ipptool
device=$(server device list --json | jq -r '.devices[0].uuid')
job_of() { tool "$(machine_uri one)" "$files/register.test" -d owner="$1" -d uuid="$(new_uuid)" | sed -n 's/.*job-id (integer) = //p'; }

# ---- ours
check "register-idempotent" tool "$(machine_uri one)" "$files/register-idempotent.test" -d owner=anna -d uuid="$(new_uuid)"
check "system" tool "$(person_uri bert /ipp/system)" "$files/system.test"
check "system, as a machine" tool "$(machine_uri one /ipp/system)" "$files/system.test"
check "probe" tool "$(machine_uri one)" "$files/probe.test"
job=$(job_of anna)
check "list-privacy" tool "$(person_uri bert)" "$files/list-privacy.test" -d owner=anna -d job="$job"
check "stranger" tool "$(machine_uri two)" "$files/stranger.test" -d owner=anna -d job="$job" -d device="$device"
check "claim-twice" tool "$(machine_uri one)" "$files/claim-twice.test" -d owner=anna -d job="$job" -d device="$device"
check "stale-fence" tool "$(machine_uri one)" "$files/stale-fence.test" -d owner=anna -d job="$job" -d device="$device"

# ---- a poll that waits is answered by the event, at once
job=$(job_of anna)
id=$(tool "$(machine_uri one)" "$files/subscribe.test" -d owner=anna | sed -n 's/.*notify-subscription-id (integer) = //p' | head -n 1)
lab_spawn poll timeout 30 ipptool -tv -d owner=anna -d id="$id" -d job="$job" "$(machine_uri one)" "$files/long-poll.test"
waits() { [ "$(ss -Htn state established "dport = :$SERVER_PORT" | wc -l)" -ge 1 ]; }
check "the poll is parked" wait_for 5 waits
check "and stays so while nothing happens" lab_alive poll
began=$(now_ms)
check "anna releases her job by ipptool" tool "$(person_uri anna)" "$files/release.test" -d job="$job" -d device="$device"
check "the poll is answered" wait_for 5 not lab_alive poll
took=$(($(now_ms) - began))
note "release to event: $took ms, ipptool's own time in it"
check "within a second" test "$took" -lt 1000
check "and brings the event" grep -q 'long-poll\|\[PASS\]' "$LAB/log/poll.log"
check "with nothing amiss" not grep -q 'FAIL' "$LAB/log/poll.log"

# ---- stock
for file in get-printers get-printers-printer-id get-printer-attributes get-jobs \
	get-completed-jobs create-printer-subscription get-subscriptions; do
	check "stock $file, a person" tool "$(person_uri anna)" "$file.test"
	check "stock $file, a machine" tool "$(machine_uri one)" "$file.test"
done
done_job=$(job_of anna)
check "stock get-job-attributes" tool "$(person_uri anna "/ipp/print/Office/$done_job")" get-job-attributes.test
check "stock get-job-attributes2" tool "$(person_uri anna "/ipp/print/Office/$done_job")" get-job-attributes2.test
check "stock cancel-current-job" tool "$(person_uri anna)" cancel-current-job.test
check "lpstat knows the queue" sh -c "CUPS_USER=anna ipptool -tv '$(person_uri anna /)' get-printers.test | grep -q 'printer-name.* = Office'"
plan_done
