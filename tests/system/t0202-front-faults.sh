#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0202-front-faults - a job is stored whole or comes again: filters that die, a spool that is not there, cupsd's death,
# the user's cancel.
# shellcheck source=tests/system/front.sh disable=SC2016,SC2154
. "$(dirname "$0")/front.sh"
front_start "JobRetryLimit 2"
lab_pdf "$LAB/a.pdf" -n 3 >"$LAB/a.sha"
lab_pdf "$LAB/big.pdf" -n 3 -b 20000000 >"$LAB/big.sha"
filter=$LAB/one/bin/filter/stillprint-ticket
mv "$filter" "$LAB/one/bin/filter/ticket-real" && chmod 755 "$LAB/one/bin/filter/ticket-real"

# put_filter SCRIPT - in place of ours; $real is ours
put_filter()
{
	printf '#!/bin/bash\nreal=%s\n%s\n' "$LAB/one/bin/filter/ticket-real" "$1" >"$filter"
	chown root:root "$filter" && chmod 755 "$filter"
}
state_of() { [ "$(job_attr one "$1" job-state)" = "$2" ]; }

touch "$LAB/die" && chmod 666 "$LAB/die"
put_filter "[ -e $LAB/die ] || exec \"\$real\" \"\$@\"; \"\$real\" \"\$@\" | head -c 900; kill -9 \$\$"
id=$(lab_lp one -d Office "$LAB/a.pdf")
check "filter killed in mid-stream is noticed" wait_for 10 log_has "$id" 'Not stored: the document ended before its end'
check "and stores nothing" same "$(jobs_stored) $(temps_left)" "0 0"
check "and is not called completed" not state_of "$id" completed
rm "$LAB/die"
check "the next try stores it" wait_for 20 has_stored 1
check "once and whole" same "$(jobs_stored) $(pages_stored 1)" "1 3"
check "and the pages of the failed tries are not counted" \
	wait_for 5 same "$(job_attr one "$id" job-impressions-completed)" 3
forget

touch "$LAB/die"
id=$(lab_lp one -d Office "$LAB/a.pdf")
check "a filter that always dies ends in aborted, not in completed" wait_for 30 state_of "$id" aborted
check "with nothing stored" same "$(jobs_stored) $(temps_left)" "0 0"
rm "$LAB/die"

put_filter 'exec "$real" "$@" < /dev/null'
id=$(lab_lp one -d Office "$LAB/a.pdf")
check "empty input is an error that says so" wait_for 10 log_has "$id" 'The document is empty'
check "and no job" same "$(jobs_stored)" 0
lab_cups one cancel "$id"
put_filter 'head -c 900 | "$real" "$@"'
id=$(lab_lp one -d Office "$LAB/a.pdf")
check "a PDF without its end is an error that says so" wait_for 10 log_has "$id" 'its end is missing'
check "and no job either" same "$(jobs_stored)" 0
lab_cups one cancel "$id"
put_filter 'exec "$real" "$@"'

# the spool is not there
mv "$LAB/spool/intake.pub" "$LAB/away"
id=$(lab_lp one -d Office "$LAB/a.pdf")
check "without the daemon's key the queue says so" \
	wait_for 10 grep -q smi32473-spool-missing <<<"$(wait_for 10 log_has "$id" spool-missing && job_log "$id")"
check "in words too" log_has "$id" 'the job waits for stillprintd'
check "and the job waits" same "$(job_attr one "$id" job-state)" processing
mv "$LAB/away" "$LAB/spool/intake.pub"
check "with the key it is stored" wait_for 20 has_stored 1
wait_for 10 job_done one "$id"
check "and the queue says no more of it" \
	not grep -q smi32473 <<<"$(lab_cups one lpstat -l -p Office)"
forget
mv "$FRONT_IN" "$LAB/away"
id=$(lab_lp one -d Office "$LAB/a.pdf")
wait_for 10 log_has "$id" spool-missing
lab_cups one cancel "$id"
check "cancel while it waits ends it at once" wait_for 3 state_of "$id" canceled
mv "$LAB/away" "$FRONT_IN"
nap 0.3
check "and stores nothing" same "$(jobs_stored) $(temps_left)" "0 0"

# cancel in mid-stream: the filter holds its output back
put_filter '"$real" "$@" | { head -c 5000000; sleep 30; cat; }'
id=$(lab_lp one -d Office "$LAB/big.pdf")
wait_for 10 sh -c "[ -n \"\$(find '$FRONT_IN' -name '.tmp-*')\" ]"
check "a job in mid-stream is a temp file" same "$(jobs_stored) $(temps_left)" "0 1"
lab_cups one cancel "$id"
check "cancel in mid-stream ends it at once" wait_for 3 state_of "$id" canceled
check "and leaves nothing" same "$(jobs_stored) $(temps_left)" "0 0"
put_filter 'exec "$real" "$@"'

# cupsd dies between documents: the documents come again, told apart by the run
id=$(lab_lp one -d Office "$LAB/a.pdf" "$LAB/big.pdf" "$LAB/a.pdf")
wait_for 10 has_stored 1
lab_cupsd_crash one
nap 0.3
lab_cupsd_up one
check "after cupsd's death all documents are there" wait_for 20 job_done one "$id"
runs=$(for f in $(seq "$(jobs_stored)"); do says "$f" 'env smi32473-cups-run'; done | sort | uniq -c | awk '{ print $1 }' | xargs)
check "those handed over twice are told apart by the run of cupsd" test "${runs##* }" = 3 -o "${runs%% *}" = 3
check "under one job-uuid" same "$(for f in $(seq "$(jobs_stored)"); do says "$f" 'env job-uuid'; done | sort -u | wc -l)" 1
forget
plan_done
