#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6100-who - who prints: the account of a login by PAM stands behind a job at the server, verified, until the logout.
# run-tests: deadline 240
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

who_start
same=spy$$
useradd --system --no-create-home --non-unique --uid "$uid" --gid "$(id -g "$one")" --shell /usr/sbin/nologin "$same" || die "useradd"
lab_users+=("$same")
printf '%s = berta\n' "$same" >>"$LAB/etc/login.conf"
login_verifier_stop
login_verifier_start

# ---- without a login

check "nobody is logged in: the server's name is by the rules, and claimed" printed_for "$one" "anna claimed"
check "it says why" identity "$last" "claimed no-login"
check "someone whom no rule names goes by his own name" printed_for "$two" "$two claimed"

# ---- login, print, logout, print

check "login" anna_logs_in
check "the job of who logged in is his account's at the server, verified" printed_for "$one" "anna verified"
verified=$last
check "it says so here" identity "$verified" "verified verified"
as_json() { sp --json why "$verified" | jq -e '.identity == "verified" and .account == "anna" and .owner_verified' >/dev/null; }
check "in JSON too" as_json
check "and in words" grep -q "prints as anna (verified)" <(sp why "$verified")
check "whoami says it" grep -q "You print as anna, verified in this login" <(sp whoami)
check "status too" grep -q "You print as anna, verified" <(sp status)
traced() { srv trace --json "$(srv_sql "SELECT max(id) FROM job")" | jq -e '.. | objects | select(.owner == "anna") | .owner_verified' >/dev/null; }
check "and the server's trace" traced

check "another user prints meanwhile: he is not anna" printed_for "$two" "$two claimed"
lp_other() { LAB_USER=$two lab_lp ws -d Office -U "$one" "$LAB/a.pdf" >/dev/null 2>&1; }
check "lp -U of another user is refused" not lp_other
no_forgery() { same "$(store_sql "SELECT count(*) FROM job WHERE cast(owner AS text) = '$one' AND who = 'verified'")" 1; }
check "there is one verified job of hers" no_forgery
tcp_other() { as "$two" env CUPS_SERVER=localhost lp -h "localhost:$(cups_port ws)" -U "$one" -d Office "$LAB/a.pdf" </dev/null >/dev/null 2>&1; }
check "over TCP as well" not tcp_other
lab_cups ws lpadmin -p Office -o printer-op-policy=default
check "where CUPS checks nobody, lp -U of another user is claimed, though she is logged in" printed_for "$two" "anna claimed" -U "$one"
check "it says why" identity "$last" "claimed unchecked"
lab_cups ws lpadmin -p Office -o printer-op-policy=authenticated

LOGIN_SESSION=s2 check "another account logs in with the same uid" login_as full "$same" planted-Xb72 authenticate open_session
check "now its jobs are claimed" prints_as "$one"
check "and say so" wait_for 10 identity "$last" "claimed other-login"
LOGIN_SESSION=s2 check "it logs out" login_as full "$same" - close_session
check "and she is verified again" printed_for "$one" "anna verified"

# ---- what was said is said again

srv_stop
check "printed while the server is away" prints_as "$one"
check "by somebody who is logged in" wait_for 10 identity "$last" "verified verified"
check "logout" anna_logs_out
lab_daemon_restart
srv_up
check "after restarts the server hears what was so when it was printed" wait_for 20 at_server "$last" "anna verified"
check "the next one is claimed" printed_for "$one" "anna claimed"
check "whoami says it" grep -q "You print as anna, as claimed only" <(sp whoami)
check "a login without password is none" login_as key "$one" - open_session
check "and its jobs are claimed" printed_for "$one" "anna claimed"
check "it says why" identity "$last" "claimed other-login"
check "over" login_as key "$one" - close_session

# ---- without a verifier

login_verifier_stop
check "without the login service the local name counts, as before" printed_for "$two" "$two claimed"
check "it says why" identity "$last" "claimed no-verifier"
login_verifier_start
kill -STOP "$(lab_pid stillprint-verifier)"
check "one that does not answer keeps no job from the server" printed_for "$two" "$two claimed"
check "it says why" identity "$last" "claimed no-answer"
kill -CONT "$(lab_pid stillprint-verifier)"

# ---- a queue that wants to know

srv queue set Office --require-verified yes >/dev/null
check "the server takes only verified users: a claimed one's job waits" prints_as "$one"
refused=$last
check "for him to log in" wait_for 10 job_held_for "$refused" not-verified
check "with the server's words" grep -q "Office takes jobs only of users who logged in" <(sp why "$refused" | tr -s ' \n' ' ')
check "and the next step" grep -q "Log in again with your password" <(sp why "$refused" | tr -s ' \n' ' ')
check "letting it go changes nothing" sp release "$refused"
check "it waits again" wait_for 10 job_held_for "$refused" not-verified
check "login" anna_logs_in
check "then it goes on by itself, verified" at_server "$refused" "anna verified"
check "logout" anna_logs_out
srv queue set Office --require-verified no >/dev/null
echo 'require-verified = yes' >>"$LAB/etc/stillprint.conf.d/Office.conf"
ws_reload
check "the workstation's own rule is read" wait_for 5 daemon_log 'event=reloaded\|event=configuration'
CUPS_SERVER=$(cups_socket ws) stillprint check >"$LAB/said" 2>&1
check "check says that the login service is there for it" grep -q "the login service runs" "$LAB/said"
before=$(srv_sql "SELECT count(*) FROM job")
check "by it a claimed user's job waits too" prints_as "$one"
check "for the same reason" wait_for 10 job_held_for "$last" not-verified
check "root cannot let it go" sp_root release "$last"
check "it waits" wait_for 10 job_held_for "$last" not-verified
check "the server has heard nothing" same "$(srv_sql "SELECT count(*) FROM job")" "$before"
check "login" anna_logs_in
check "then it goes" at_server "$last" "anna verified"

# ---- accounting

check "released, it prints" sp release "$verified" --device hall
check "its record is at the server" wait_for 20 ledger_has 1
check "for the account, which was verified" same "$(srv_sql "SELECT account || ' ' || owner || ' ' || account_verified FROM ledger_person")" "anna $one 1"
check "the sums name it" grep -q "anna" <(srv ledger sum)
check "and the export" grep -q '"anna",1' <(srv ledger export)
check "the chain holds" srv ledger verify
plan_done
