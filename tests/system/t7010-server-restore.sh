#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7010 - backup and restore, maintenance, the signed policy, and what `check` finds.
# run-tests: deadline 180
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"

lab_start
server_start
server_machine one
server_machine two
files=$LAB_TOP/tests/ipptool
gpa() { machine_call "$1" /ipp/print/Office Get-Printer-Attributes "${@:2}"; }
register() { tool "$(machine_uri one)" "$files/register.test" -d owner=anna -d uuid="$(new_uuid)"; }

# ---- the policy
policy() { curl -s -D "$LAB/headers" -o "$LAB/policy" "$@" "$(machine_http one /ipp/res/policy)"; }
header() { sed -n "s/^$1: //Ip" "$LAB/headers" | tr -d '\r'; }
has_policy() { policy && grep -q '^HTTP/1.1 200' "$LAB/headers"; }
check "a machine fetches the policy" wait_for 5 has_policy
etag=$(header ETag)
check "with its queues" jq -e '.queues.Office["on-outage"] == "ask" and .limits["held-max-s"] == 259200' "$LAB/policy"
check "and its version" same "\"$(jq .version "$LAB/policy")\"" "$etag"
key=$(tail -c 32 "$SERVER_STATE/policy.key" | base64) # libsodium's secret key ends with the public one
{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00' && echo "$key" | base64 -d; } >"$LAB/policy.der"
header Stillprint-Signature | base64 -d >"$LAB/signature"
verified() { openssl pkeyutl -verify -pubin -inkey "$LAB/policy.der" -keyform DER -rawin -in "$1" -sigfile "$LAB/signature"; }
check "signed by the policy key" verified "$LAB/policy"
sed 's/ask/never/' "$LAB/policy" >"$LAB/forged"
check "and by nothing else" not verified "$LAB/forged"
policy -H "If-None-Match: $etag"
check "unchanged is said so" grep -q '^HTTP/1.1 304' "$LAB/headers"
server queue set Office --fallback ipps://10.9.8.7/ipp/print --on-outage fallback >/dev/null
changed() { policy && [ "$(header ETag)" != "$etag" ] && jq -e '.queues.Office.fallback[0] == "ipps://10.9.8.7/ipp/print"' "$LAB/policy"; }
check "a changed queue makes a new version" wait_for 5 changed
check "no machine, no policy" same "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB/ca.crt" "https://localhost:$SERVER_PORT/ipp/res/policy")" 401

# ---- maintenance
id=$(machine_call one /ipp/system Create-System-Subscriptions 'GROUP subscription-attributes-tag' 'ATTR keyword notify-pull-method ippget' \
	'ATTR keyword notify-events printer-state-changed' 'STATUS successful-ok' &&
	sed -n 's/.*notify-subscription-id (integer) = //p' "$LAB/answer" | head -n 1)
check "it starts" server maintenance start --message 'New disks' --until 2h
check "new jobs are refused with the administrator's words" not register
check "as an announced outage" gpa one 'STATUS successful-ok' 'EXPECT printer-is-accepting-jobs WITH-VALUE false' \
	'EXPECT printer-state-message WITH-VALUE "New disks"' 'EXPECT printer-state-reasons WITH-VALUE paused'
told() {
	machine_call one /ipp/system Get-Notifications "ATTR integer notify-subscription-ids $id" 'STATUS successful-ok' &&
		grep -q 'notify-subscribed-event.*printer-state-changed' "$LAB/answer"
}
check "machines are told" wait_for 5 told
check "status says so" sh -c "'$LAB/bin/stillprint-server' maintenance status --json | jq -e '.maintenance and .message == \"New disks\" and .jobs_on_their_way == 0'"
server maintenance stop >/dev/null
check "after it jobs are taken again" register

# ---- backup, revocation, restore
check "a backup while it runs" server backup "$LAB/backup"
check "nobody else may read it" same "$(stat -c %a "$LAB/backup")" 600
check "an existing file is not overwritten" not server backup "$LAB/backup"
server device revoke "$(<"$LAB/two.uuid")" >/dev/null
check "revoked after it" gpa two 'STATUS client-error-not-authorized'
server user add late --no-password >/dev/null
check "no restore while it runs" not server restore "$LAB/backup"
server_stop
printf 'SQLite format 3\0 and no more' >"$LAB/bad"
check "what is no backup changes nothing" not server restore "$LAB/bad"
head -c 60000 "$LAB/backup" >"$LAB/half"
check "nor does half of one" not server restore "$LAB/half"
check "the database is still there" sh -c "'$LAB/bin/stillprint-server' user list | grep -q late"
was=$(sqlite3 "$SERVER_STATE/server.db" "SELECT value FROM setting WHERE name = 'incarnation'")
check "a restore" server restore "$LAB/backup"
check "the database is the backup's" not sh -c "'$LAB/bin/stillprint-server' user list | grep -q late"
check "the incarnation is higher" test "$(sqlite3 "$SERVER_STATE/server.db" "SELECT value FROM setting WHERE name = 'incarnation'")" -gt "$was"
server_run
check "machines know the server again" gpa one 'STATUS successful-ok' 'EXPECT smi32473-server-incarnation WITH-VALUE >1'
check "the revoked one stays out" gpa two 'STATUS client-error-not-authorized' 'EXPECT status-message WITH-VALUE /revoked/'
# The same by hand: the database alone put back.
server_stop
cp "$LAB/backup" "$SERVER_STATE/server.db" && rm -f "$SERVER_STATE"/server.db-*
chown stillprint:stillprint "$SERVER_STATE/server.db"
server_run
check "nor does a file that was copied back bring it in" gpa two 'STATUS client-error-not-authorized'

# ---- kill -9, and a damaged database
job_count() { sqlite3 "file:$SERVER_STATE/server.db?mode=ro" 'SELECT count(*) FROM job'; }
register >/dev/null
n=$(job_count)
server_kill9
server_run
check "what was answered is there after kill -9" same "$(job_count)" "$n"
check "check finds nothing wrong" server check
chmod 644 "$SERVER_STATE/ca.pem"
check "check finds a key that others can read" sh -c "'$LAB/bin/stillprint-server' check --json | jq -e '.ok == false and any(.checks[]; .what == \"permissions\" and .result == \"wrong\")'"
chmod 600 "$SERVER_STATE/ca.pem"
server_stop
dd if=/dev/urandom of="$SERVER_STATE/server.db" bs=4096 count=3 conv=notrunc 2>/dev/null
rm -f "$SERVER_STATE"/server.db-*
check "a damaged database does not start" not server serve
check "and a restore mends it" server restore "$LAB/backup"
server_run
check "so that machines are served again" gpa one 'STATUS successful-ok'
server_stop
mv "$SERVER_STATE/server.db" "$LAB/away" && rm -f "$SERVER_STATE"/server.db-*
check "a database that is missing is not begun anew" not server serve
check "nor by a subcommand" not server user list
check "and no empty one is left there" test ! -e "$SERVER_STATE/server.db"
mv "$LAB/away" "$SERVER_STATE/server.db"
server_run
check "put back, it serves again" gpa one 'STATUS successful-ok'
check "an end of maintenance that is over already is refused" not server maintenance start --until 2020-01-01
plan_done
