#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0200-front-intake - what a real cupsd hands over ends in the spool, once, sealed, under the true names; what it must
# not take is refused with a reason.
# shellcheck source=tests/system/front.sh disable=SC2016,SC2154
. "$(dirname "$0")/front.sh"
front_start
lab_pdf "$LAB/a.pdf" -n 3 >"$LAB/a.sha"
lab_pdf "$LAB/b.pdf" -n 2 >"$LAB/b.sha"

# a job
front_lp -t 'A title; `$(rm)` "q"' -n 2 "$LAB/a.pdf"
check "one lp is one file" same "$(jobs_stored) $(temps_left)" "1 0"
check "cupsd calls the job completed" same "$(job_attr one "$id" job-state)" completed
check "cupsd counts pages times copies" same "$(job_attr one "$id" job-impressions-completed)" 6
check "page_log has the same" grep -q "Office $LAB_USER ${id##*-} .* total 6 " "$LAB/one/log/page_log"
check "backend runs as lp, the file is for the folder's group" \
	same "$(stat -c '%U:%G %a' "$(stored 1)")" "lp:nogroup 660"
check "its name is time and document uuid" \
	same "$(basename "$(stored 1)" .job | cut -d- -f2-)" "$(says 1 'env document-uuid' | cut -d: -f3)"
check "owner is who printed" same "$(says 1 'env job-originating-user-name')" "$LAB_USER"
check "title is the title" same "$(says 1 'env job-name')" 'A title; `$(rm)` "q"'
check "queue is the queue" same "$(says 1 'env smi32473-queue')" Office
check "job-uuid is cupsd's" same "$(says 1 'env job-uuid')" "$(job_attr one "$id" job-uuid)"
check "ticket knows copies and pages" same "$(says 1 'ticket copies') $(says 1 'ticket job-pages')" "2 3"
check "document has its pages" same "$(pages_stored 1)" 3
check "no word of it lies there in clear" not grep -aqE "PDF|$LAB_USER|title" "$(stored 1)"
check "nothing waits to be cleared" not log_has "$id" 'printer-state-reasons.*smi32473'
forget

# several documents
front_lp "$LAB/a.pdf" "$LAB/b.pdf"
check "lp f f is two files of one job" same "$(jobs_stored) $(says 1 'env job-uuid')" "2 $(says 2 'env job-uuid')"
check "in their order" same "$(pages_stored 1) $(pages_stored 2)" "3 2"
check "each with a uuid of its own" not same "$(says 1 'env document-uuid')" "$(says 2 'env document-uuid')"
check "of one pass of cupsd" same "$(says 1 'env smi32473-processing') $(says 1 'env smi32473-cups-run')" \
	"$(says 2 'env smi32473-processing') $(says 2 'env smi32473-cups-run')"
check "counted together" same "$(job_attr one "$id" job-impressions-completed)" 5
forget
front_lp -o job-sheets=standard,standard "$LAB/a.pdf"
check "banners are files of their own, marked" \
	same "$(for n in 1 2 3; do says $n 'env smi32473-banner'; done | xargs)" "true false true"
forget

# again
front_lp "$LAB/a.pdf"
first=$(says 1 'env smi32473-processing')
nap 1.1
lab_cups one lp -i "${id##*-}" -H restart >"$LAB/.out" 2>&1
check "restart hands it over again" wait_for 10 has_stored 2
check "same job, another pass" same "$(says 2 'env job-uuid') $(says 2 'env smi32473-created') yes" \
	"$(says 1 'env job-uuid') $(says 1 'env smi32473-created') $([ "$(says 2 'env smi32473-processing')" -gt "$first" ] && echo yes)"
run=$(says 1 'env smi32473-cups-run')
forget
lab_cupsd_restart one
front_lp "$LAB/a.pdf"
check "another run of cupsd is told from the first" not same "$(says 1 'env smi32473-cups-run')" "$run"
forget

# not ours to take
front_lp -o raw "$LAB/a.pdf"
check "raw file is refused" same "$(jobs_stored) $(job_attr one "$id" job-state)" "0 canceled"
check "and says why" log_has "$id" 'Refused: this queue takes no raw files'
"$LAB_FILTER" 1 root forged 1 '' "$LAB/a.pdf" >"$LAB/forged" 2>/dev/null
chmod 644 "$LAB/forged"
lab_lp one -d Office -o document-format=application/vnd.stillprint-job "$LAB/forged" >"$LAB/.out" 2>&1
check "our type is none that a client may send" same "$(jobs_stored)" 0
front_lp -o raw -o document-format=application/vnd.stillprint-job "$LAB/forged"
check "nor as a raw file" same "$(jobs_stored) $(job_attr one "$id" job-state)" "0 canceled"
check "nor is it known by its octets" not lab_lp one -d Office "$LAB/forged"
nap 0.5
check "nothing was stored of all that" same "$(jobs_stored) $(temps_left)" "0 0"
mkdir -p "$LAB/spool/policy" && echo accept-raw >"$LAB/spool/policy/Office" && chmod 755 "$LAB/spool/policy"
front_lp -o raw "$LAB/forged"
check "raw file is taken where the daemon allows it" same "$(jobs_stored) $(says 1 'env smi32473-raw')" "1 true"
check "without any ticket" same "$(says 1 'ticket copies')" ""
forget
plan_done
