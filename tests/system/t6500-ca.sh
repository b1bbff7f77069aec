#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6500-ca - one CA follows another: workstations go along by themselves, off at any step, killed at any step; who names
# another CA without the policy's key is not believed.
# run-tests: deadline 290
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
need sqlite3 openssl jq

WS_PROBE_LOST=1s
lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv queue set Office --fallback "$(printer_uri corner)" >/dev/null || die "fallback"
ws_enrol Office
lab_pdf "$LAB/page.pdf" -t page >/dev/null
print_it() { ws_lp -d Office "$LAB/page.pdf" >/dev/null; }
id=$LAB/state/identity
pins() { grep -c 'BEGIN CERT' "$id/ca.pem"; }
has_pins() { [ "$(pins)" = "$1" ]; }
ca() { srv ca list --json | jq -r --arg r "$1" '.cas[] | select(.role == $r) | .sha256'; }
waiting() { srv ca list --json | jq .waiting; }
nobody_waits() { [ "$(waiting)" = 0 ]; }
sha() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }
issuer() { openssl x509 -in "$1" -noout -issuer | sed 's/issuer=//'; }
subject() { openssl x509 -in "$1" -noout -subject | sed 's/subject=//'; }
mine_is_of() { [ "$(issuer "$id/cert.pem")" = "$1" ]; }
shown_is_of() { openssl s_client -connect "localhost:$SRV_PORT" </dev/null 2>/dev/null | openssl x509 -noout -issuer | grep -qF "${1#CN = }"; }
# what the server's key shows under another CA's trust
trusts() { openssl s_client -verify_return_error -CAfile "$1" -connect "localhost:$SRV_PORT" </dev/null >/dev/null 2>&1; }

# ---- whole: new, activate, retire, with a job that waits all the time
first=$(ca active)
cp "$LAB/server/state/ca.crt" "$LAB/first.crt"
print_it
wait_for 10 job_registered 1 || die "not registered"
check "one CA is pinned" same "$(pins)" 1
check "a next one is made" srv ca new
check "not a second one" eval '! srv ca new'
check "the workstation pins both" wait_for 15 has_pins 2
check "and the server hears that" wait_for 10 nobody_waits
check "the first one still signs" same "$(ca active)" "$first"
second=$(ca next)

# ---- off while the next one begins to sign
lab_daemon_stop
check "it begins to sign" srv ca activate
check "the next one is the one that signs" same "$(ca active) $(ca old)" "$second $first"
name=$(subject "$LAB/server/state/ca.crt")
check "the server shows a certificate of it" wait_for 10 shown_is_of "$name"
check "who knows the former one alone finds the server" trusts "$LAB/first.crt"
check "the former one's key is gone" eval '! grep -rlq "$(openssl pkey -in "$LAB/server/state/ca.pem" | sed -n 2p)" "$LAB/server/state/ca-old.pem" && ! grep -q PRIVATE "$LAB/server/state/ca-old.pem"'
check "it does not end while machines have certificates of it" eval '! srv ca retire'
lab_daemon_start
check "who was off meanwhile comes with both pins, and gets a new certificate" wait_for 30 mine_is_of "$name"
check "the server has seen it" wait_for 20 nobody_waits
check "the job is still registered" wait_for 20 job_registered 1

# ---- the former one ends
check "the former one ends" srv ca retire
check "one pin is left" wait_for 15 has_pins 1
check "it is the new one" same "$(sha "$id/ca.pem")" "$second"
check "the job can be released" sp release 1 --device hall
check "and prints" wait_for 20 job_is 1 completed
check "who knows the former one alone does not find it any more" eval '! trusts "$LAB/first.crt"'

# ---- off from before the announcement until after: found over the cross certificate
lab_daemon_stop
srv ca new >/dev/null
check "a machine that was not told holds it up" eval '! srv ca activate'
check "or does not, by force" srv ca activate --force
name=$(subject "$LAB/server/state/ca.crt")
lab_daemon_start
check "with the former pin alone it comes along" wait_for 40 mine_is_of "$name"
check "and pins both" wait_for 10 has_pins 2

# ---- enrolled anew in the middle
name2=$(srv_sql 'SELECT name FROM machine LIMIT 1')
srv device remove "$name2" >/dev/null
enrol() { CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD \
	stillprint setup Office --server "ipps://localhost:$SRV_PORT" --code "$(srv_code)" --yes >"$LAB/enrol.said" 2>&1 ||
	{ cat "$LAB/enrol.said" && return 1; }; }
check "a code of the time in between enrols" enrol
check "and it works" wait_for 20 queue_is Office ok
check "and comes to have both pins" wait_for 20 has_pins 2
wait_for 20 nobody_waits
srv ca retire >/dev/null
check "and after it" wait_for 15 has_pins 1
print_it
check "a job is made known" wait_for 20 job_registered 2

# ---- killed between the steps
srv ca new >/dev/null
wait_for 15 has_pins 2
cp "$LAB/server/state/ca.pem" "$LAB/ca.pem" && cp "$LAB/server/state/ca-next.pem" "$LAB/ca-next.pem"
srv_crash
active=$(ca active)
srv ca activate --force >/dev/null
install -o stillprint -m 600 "$LAB/ca-next.pem" "$LAB/server/state/ca-next.pem"
install -o stillprint -m 600 "$LAB/ca.pem" "$LAB/server/state/ca.pem"
check "cut before the rename, nothing has happened" same "$(ca active) $(ca old)" "$active "
lab_daemon_kill9
srv_up
check "done again, it is done" srv ca activate --force
name=$(subject "$LAB/server/state/ca.crt")
srv_crash
srv_up
lab_daemon_start
check "killed on both sides, it comes along" wait_for 40 mine_is_of "$name"
wait_for 20 nobody_waits
srv ca retire >/dev/null
srv_crash
srv_up
check "and lets the former one go" wait_for 30 has_pins 1
check "the job is still there" wait_for 30 job_registered 2

# ---- taken back
srv ca new >/dev/null
wait_for 15 has_pins 2
check "an announced one can be taken back" srv ca discard
check "and is forgotten" wait_for 15 has_pins 1

# ---- an announcement that another key has signed
mv "$LAB/server/state/policy.key" "$LAB/policy.key"
lab_daemon_stop
before=$(<"$id/ca.pem")
srv_stop
srv ca new >/dev/null
srv_up
lab_daemon_start
check "a forged announcement is heard" wait_for 20 daemon_log 'event=policy-refused why=signature'
check "and not believed" same "$(<"$id/ca.pem")" "$before"
check "a renewal does not bring another policy key" eval '! stillprint setup --renew --yes >"$LAB/renew.said" 2>&1'
check "and says so" grep -q 'signs its policy' "$LAB/renew.said"
check "the key is the one of the enrolment" same "$(od -An -tx1 "$id/policy.pub" | tr -d ' \n')" \
	"$(od -An -tx1 -j32 "$LAB/policy.key" | tr -d ' \n')"
srv_stop
install -o stillprint -m 600 "$LAB/policy.key" "$LAB/server/state/policy.key"
srv ca discard >/dev/null
srv_up
wait_for 30 queue_is Office ok

# ---- off from before until the former one has ended
print_it
wait_for 20 job_registered 3 || die "not registered"
lab_daemon_stop
srv ca new >/dev/null
srv ca activate --force >/dev/null
srv ca retire --force >/dev/null
name=$(subject "$LAB/server/state/ca.crt")
wait_for 10 shown_is_of "$name"
lab_daemon_start
print_it
check "who slept through all of it keeps its jobs" wait_for 30 job_held_for 4 certificate-changed
check "it tells what to do" eval 'sp why 4 | tr "\n" " " | grep -q "new code"'
check "nothing went to the fallback" same "$(prints corner)" 0
check "with a new code" enrol
check "it is the same machine again" same "$(srv_sql 'SELECT count(*) FROM machine')" 1
check "the job of before is known" wait_for 60 job_registered 3
check "and the new one" wait_for 60 job_registered 4
check "both print" eval 'sp release 3 --device hall && sp release 4 --device hall && wait_for 20 all_jobs_are completed 3 4'
plan_done
