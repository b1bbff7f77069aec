#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6410-delegates.sh - a user names others for a job, before and after the server knows it; a secretary releases; who released is
# recorded, and pays where the queue says so, once; and nobody else gets at a job, its title, or the naming of others.
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need ipptool sqlite3

lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv queue set Office --fallback "$(printer_uri corner)" --on-outage fallback >/dev/null || die "fallback"
for who in bert carl; do srv user add $who <<<"$LAB_PASSWORD" >/dev/null || die "user $who"; done
ws_enrol Office
lab_pdf "$LAB/page.pdf" -t page >/dev/null
uri=ipps://localhost:$SRV_PORT/ipp/print/Office
print_it() { ws_lp -d Office -t payroll "$LAB/page.pdf" >/dev/null; }
cat >"$LAB/release.test" <<'X'
{
	OPERATION Release-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id $job
	STATUS successful-ok
}
X
# releases USER JOB, lists USER - by that person, at the server
at() { echo "ipps://$1:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office"; }
releases() { ipptool -tI -d job="$2" "$(at "$1")" "$LAB/release.test"; }
lists() { ipptool -tv "$(at "$1")" "$LAB_HERE/get-jobs.test"; }
sees() { lists "$1" | grep -q "job-id (integer) = $2\$"; }
told() { lists "$1" | grep -q "payroll"; }
at_server() { [ "$(srv_sql "SELECT group_concat(user) FROM (SELECT user FROM delegate WHERE job_id = $1 ORDER BY user)")" = "$2" ]; }
says() { grep -q -- "$1" "$LAB/said" || { cat "$LAB/said" && return 1; }; }
as_bert() { as daemon env STILLPRINT_CONF="$STILLPRINT_CONF" stillprint "$@" >"$LAB/said" 2>&1; }

# ---- after the server knows it
print_it
wait_for 15 job_registered 1 || die "not registered"
check "nobody else sees it" not sees bert 1
check "nor releases it" not releases bert 1
check "its owner names two" sp delegate 1 bert carl
check "the server has them" at_server 1 bert,carl
check "the owner reads it" grep -q "Delegated to bert, carl" <(sp why 1)
check "and in the list" grep -q "delegated to bert, carl" <(sp jobs)
check "a delegate sees it" sees bert 1
check "with its title" told bert
check "named again, they replace those before" sp delegate 1 bert
check "who is left out sees nothing" not sees carl 1
check "nor releases" not releases carl 1
check "nine are too many" not sp delegate 1 a b c d e f g h i
check "a bad name is refused" not sp delegate 1 'a/b'
check "oneself is refused" not sp delegate 1 "$LAB_USER"
check "and changed nothing" at_server 1 bert
check "nobody any more" sp delegate 1 --none
check "listed before, gone at the release" not releases bert 1
check "bert has the word again" sp delegate 1 bert
check "and releases it" releases bert 1
check "it prints" wait_for 20 job_is 1 completed
check "once" same "$(prints hall)" 1
check "who released it is recorded" wait_for 15 test "$(srv_sql "SELECT released_by FROM ledger_release")" = bert
check "its record is at the server" wait_for 15 ledger_has 1
check "the trace tells it too" grep -q "released by bert" <(srv trace 1)
check "its owner pays" same "$(srv ledger sum | awk '{print $1, $2}')" "$LAB_USER 1"

# ---- another user of the computer, with somebody else's job
print_it
wait_for 15 job_registered 2 || die "not registered"
for verb in "delegate 2 carl" "delegate 2 --none" "release 2" "release 2 --device hall" "cancel 2" "print-again 2" "why 2"; do
	# shellcheck disable=SC2086
	check "another user's $verb: there is no such job" not as_bert $verb
	says "There is no job 2 of yours" || not_ok "in other words: $verb"
done
check "the job is as it was" job_registered 2
check "without delegates" at_server 2 ""

# ---- a secretary; and who releases, pays
check "carl's account is closed" srv user disable carl
check "carl is made secretary" srv delegate add "$LAB_USER" carl
check "closed, he sees nothing" not sees carl 2
check "and releases nothing" not releases carl 2
check "a secretary" srv delegate add "$LAB_USER" bert --until 1h
check "listed" grep -q "released by bert until" <(srv delegate list)
check "who releases, pays" srv queue set Office --charge releaser
# Carl's refused tries slow the whole address down.
check "he sees all of them" wait_for 60 sees bert 2
check "and releases" releases bert 2
check "it prints" wait_for 20 job_is 2 completed
check "the record is there" wait_for 20 ledger_has 2
check "he pays for that one" same "$(srv ledger sum --by user | awk '{print $1, $2}' | sort)" "$(printf '%s\n' 'bert 1' "$LAB_USER 1" | sort)"
check "it was the owner's all the same" same "$(srv ledger sum --by owner | awk '{print $1, $2}')" "$LAB_USER 2"
check "counted once" same "$(srv ledger sum --by all --json | jq '.totals[0].prints')" 2
check "the export names both" grep -q '"bert","bert",0' <(srv ledger export)
check "the chains are whole" srv ledger verify
check "removed" srv delegate remove "$LAB_USER" bert
check "he sees nothing more" not sees bert 3
check "the audit has it" grep -q delegate-removed <(srv audit)

# ---- named before the server knows it; and an outage, for which the owner pays
srv_stop
srv_sql_write() { sqlite3 "$LAB/server/state/server.db" "$1"; }
sed -i 's/^on-outage.*//' "$LAB"/etc/stillprint.conf.d/*.conf && echo "on-outage = hold" >>"$LAB/etc/stillprint.conf.d/Office.conf"
print_it
wait_for 20 job_is 3 held || wait_for 5 job_is 3 pending || true
check "named while the server is away" wait_for 20 sp delegate 3 bert
srv_up
done_or_registered() { job_registered 3 || job_is 3 completed; }
wait_for 60 done_or_registered
if job_registered 3; then
	check "the server is told with the job" wait_for 10 at_server 3 bert
	check "and he releases it" releases bert 3
	check "it prints" wait_for 20 job_is 3 completed
	check "he pays for two" wait_for 20 eval 'srv ledger sum --by user | grep -q "^bert *2 "'
fi
srv_stop
print_it
check "while the server is away it goes to the fallback, by its owner" eval 'wait_for 30 job_is 4 completed || { sp release 4 --printer "$(printer_uri corner)" --at-printer && wait_for 20 job_is 4 completed; }'
srv_up
check "its record comes" wait_for 60 ledger_has 4
check "its owner pays" eval 'srv ledger sum --by user | grep -q "^$LAB_USER *2 "'
plan_done
