#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7240-machine.sh - what a workstation does when the server refuses it, is another one, announces that it stops, or has
# moved: no failover where there is no outage, nothing lost, and a reason that says what to do.
# run-tests: deadline 290
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need sqlite3

WS_PROBE_LOST=1s
lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv queue set Office --fallback "$(printer_uri corner)" >/dev/null || die "fallback"
dead=$(free_port)
lab_relay wire "localhost:$SRV_PORT"
address="ipps://localhost:$(relay_port wire)"
ws_enrol Office "$address"
policy_known() { sp fallback list | grep -q policy; }
wait_for 10 policy_known || die "no policy"
lab_pdf "$LAB/page.pdf" -t page >/dev/null
job_says() { sp why "$1" | grep -q "$2"; }
print_it() { ws_lp -d Office "$LAB/page.pdf" >/dev/null; }

# ---- announced: the administrator's message, and the rules for outages
print_it
wait_for 10 job_registered 1 || die "not registered"
check "the administrator says that the server stops" srv maintenance start --message "new disks until noon"
check "the workstation hears of it" wait_for 15 queue_is Office outage
print_it
check "a new job waits, with the administrator's words" wait_for 15 job_says 2 "new disks until noon"
check "what is held there can still be released" sp release 1 --device hall
check "and prints: what is in flight ends" wait_for 15 job_is 1 completed
check "it goes on" srv maintenance stop
check "and the job is made known" wait_for 30 job_registered 2

# ---- another server at its address
srv_stop
mv "$LAB/server/state" "$LAB/server/right"
install -d -o stillprint -g stillprint -m 700 "$LAB/server/state"
srv setup >/dev/null && srv_up
print_it
check "another server at that address gets nothing" wait_for 20 job_held_for 3 certificate-changed
check "and is no outage: nothing goes to the fallback" same "$(prints corner)" 0
check "the other one has heard of no job" same "$(srv_sql 'SELECT count(*) FROM job')" 0
srv_stop
rm -rf "$LAB/server/state" && mv "$LAB/server/right" "$LAB/server/state"
srv_up
check "the right one is back, and so is the job" wait_for 90 job_registered 3

# ---- revoked
name=$(srv_sql 'SELECT name FROM machine LIMIT 1')
check "the machine is revoked" srv device revoke "$name"
print_it
check "its next job stays here, and says why" wait_for 20 job_held_for 4 not-enrolled
check "and does not go to the fallback" same "$(prints corner)" 0
srv device remove "$name" >/dev/null
CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD \
	stillprint setup Office --server "$address" --code "$(srv_code)" --yes >"$LAB/enrol.said" 2>&1 || note "$(cat "$LAB/enrol.said")"
check "enrolled anew, it goes on" wait_for 90 job_registered 4

# ---- private, and printed at once
printf 'private = yes\n' >>"$LAB/etc/stillprint.conf.d/Office.conf" && ws_reload
print_it
wait_for 10 job_registered 5
files() { find "$LAB/spool/jobs" -type f | wc -l; }
before=$(files)
sp release 5 --device hall >/dev/null
check "a private document prints" wait_for 15 job_is 5 completed
check "and is gone" same "$(files)" $((before - 1))

# ---- its first address is dead
printf '[server]\naddress = ipps://localhost:%s\naddress = %s\n' "$dead" "$address" >"$LAB/etc/stillprint.conf.d/@server.conf"
lab_daemon_restart
check "the second address serves" wait_for 20 queue_is Office ok
print_it
check "as the first one would" wait_for 20 job_registered 6
check "nothing went elsewhere" same "$(prints corner)" 0
plan_done
