#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7000 - a server from nothing: setup, users, queue, enrolment by code, and who is refused.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"

lab_start
server_start

# ---- what setup made
check "all that is secret is its owner's alone" same "$(find "$SERVER_STATE" -type f ! -name ca.crt -perm /077)" ''
digest=$(sha256sum "$SERVER_STATE/ca.pem")
check "a second setup is good" server setup
check "names that are none are refused" not server setup --names 'bad;name'
check "and nothing is written: the next command is not in its way" server user list
check "and changes no key" same "$(sha256sum "$SERVER_STATE/ca.pem")" "$digest"
check "the server's certificate is by our CA" sh -c \
	"echo | openssl s_client -connect localhost:$SERVER_PORT -CAfile '$LAB/ca.crt' -verify_hostname localhost -verify_return_error -brief"
check "the chain ends with the CA" sh -c \
	"echo | openssl s_client -connect localhost:$SERVER_PORT -showcerts 2>/dev/null | grep -c BEGIN | grep -qx 2"

# ---- people
gpa=get-printer-attributes
for word in printer-state printer-is-accepting-jobs printer-up-time queued-job-count; do
	check "a person is told $word" sh -c "ipptool -tv '$(person_uri anna)' $gpa.test | grep -q ' $word '"
done
# Few wrong logins are taken from one address, so each comes from its own.
http() { curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB/ca.crt" "$@"; }
login() { http --interface "127.0.0.$1" ${2:+-u "$2"} -d x -H 'Content-Type: application/ipp' "https://localhost:$SERVER_PORT/ipp/print/Office"; }
check "a right password is taken: then it is the message that is bad" not same "$(login 2 anna:anna-pw)" 401
check "a wrong password is refused" same "$(login 3 anna:wrong)" 401
check "an unknown user is refused" same "$(login 4 nobody:wrong)" 401
check "nobody is refused" same "$(login 5)" 401
server user disable anna >/dev/null
check "a disabled user is refused at once" same "$(login 6 anna:anna-pw)" 401
server user enable anna >/dev/null
printf 'fresh\n' | server user password anna >/dev/null
check "the old password is over" same "$(login 7 anna:anna-pw)" 401
printf 'anna-pw\n' | server user password anna >/dev/null
check "the new one is good" sh -c "ipptool -tv '$(person_uri anna)' $gpa.test | grep -q 'successful-ok'"
check "an unknown queue is not found" sh -c "ipptool -tv '$(person_uri anna /ipp/print/None)' $gpa.test | grep -q 'client-error-not-found'"

# ---- machines
# A server that was started again has forgotten how often somebody tried.
refused() { server_restart && not server_enrol "$@"; }
code=$(server enrol --name desk 2>/dev/null)
check "a code has 32 characters in groups of four" sh -c "echo '$code' | grep -Eqx '([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}'"
server_csr one
printf 'no request\n' >"$LAB/bad.csr"
check "garbage is no signing request" not server_enrol bad "$code"
check "and said so" grep -q 'client-error-attributes-or-values-not-supported' "$LAB/bad.out"
openssl req -new -newkey rsa:2048 -nodes -keyout "$LAB/rsa.key" -subj /CN=x -out "$LAB/rsa.csr" 2>/dev/null
check "another kind of key is refused" not server_enrol rsa "$code"
cp "$LAB/one.csr" "$LAB/forged.csr" # one octet of the signature changed
openssl req -in "$LAB/one.csr" -outform DER -out "$LAB/forged.der"
size=$(stat -c %s "$LAB/forged.der")
last=$(tail -c 1 "$LAB/forged.der" | od -An -tu1 | tr -d ' ')
# shellcheck disable=SC2059
printf "\\$(printf %o $((last ^ 1)))" | dd of="$LAB/forged.der" bs=1 seek=$((size - 1)) conv=notrunc 2>/dev/null
openssl req -inform DER -in "$LAB/forged.der" -out "$LAB/forged.csr" 2>/dev/null
check "a request that its key did not sign is refused" not server_enrol forged "$code"
check "the code is still good after that, in lower case too" server_enrol one "${code,,}"
check "the certificate is by our CA" openssl verify -CAfile "$LAB/ca.crt" "$LAB/one.crt"
check "it names the machine, not what was asked for" sh -c \
	"openssl x509 -in '$LAB/one.crt' -noout -subject -ext subjectAltName,extendedKeyUsage | tr -d '\n' | grep 'CN = $(<"$LAB/one.uuid")' | grep -q 'URI:$(<"$LAB/one.uuid").*Client Authentication\|Client Authentication.*URI:$(<"$LAB/one.uuid")'"
check "the name is the code's" same "$(server device list --json | jq -r '.machines[0].name')" desk
cp "$LAB/one.csr" "$LAB/again.csr"
check "a lost reply: the same machine and key get it again" server_enrol again "$code" "$(<"$LAB/one.uuid")"
server_csr two
check "a code is good once" refused two "$code"
check "and the log says why" grep -q 'used.x20before' "$LAB/log/server.log"
code=$(server enrol 2>/dev/null)
server_restart
check "nobody takes a machine's UUID over" not server_enrol two "$code" "$(<"$LAB/one.uuid")"
check "and is told what to do" grep -q 'remove it first' "$LAB/two.out"
check "with the code unspent: another UUID is good" server_enrol two "$code"
code=$(server enrol --expires 1s 2>/dev/null)
wait_for 5 sh -c "[ \$(date +%s) -gt $(($(date +%s) + 1)) ]"
server_csr three
check "an expired code is refused" refused three "$code"
check "and the log says why" grep -q 'has.x20expired' "$LAB/log/server.log"
check "an invented code is refused" refused three "0000-0000-0000-0000-0000-0000-0000-0000"

# ---- as a machine
server_restart
cp "$LAB/again.crt" "$LAB/one.crt"
machine_relay one
machine_relay two
check "a machine is let in" machine_call one /ipp/print/Office Get-Printer-Attributes 'STATUS successful-ok'
# renews CSR STATUS - with the certificate of machine one
renews()
{
	machine_call one /ipp/system 0x005f "ATTR uri output-device-uuid $(<"$LAB/one.uuid")" \
		"ATTR text output-device-x509-request $(sed 's/.*/"&"/' "$LAB/$1.csr" | paste -sd,)" "STATUS $2"
}
server_csr early
server_csr soon
check "a machine renews before its time" renews early successful-ok
check "with the same key again, since the reply may be lost" renews early successful-ok
check "but not with one key after the other" renews soon client-error-not-possible
check "a machine renews no other one" machine_call two /ipp/system 0x005f \
	"ATTR uri output-device-uuid $(<"$LAB/one.uuid")" "ATTR text output-device-x509-request $(sed 's/.*/"&"/' "$LAB/one.csr" | paste -sd,)" \
	'STATUS client-error-not-authorized'
cp "$LAB/one.crt" "$LAB/foreign.crt"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$LAB/foreign.key" -days 1 \
	-subj "/CN=$(<"$LAB/one.uuid")" -addext "subjectAltName=URI:$(<"$LAB/one.uuid")" -out "$LAB/foreign.crt" 2>/dev/null
check "a foreign CA's certificate counts as none" same "$(http --cert "$LAB/foreign.crt" --key "$LAB/foreign.key" -d x -H 'Content-Type: application/ipp' "https://localhost:$SERVER_PORT/ipp/print/Office")" 401
machine_call one /ipp/system 0x0058 'GROUP subscription-attributes-tag' 'ATTR keyword notify-pull-method ippget' \
	'ATTR keyword notify-events job-state-changed' 'STATUS successful-ok'
subscription=$(sed -n 's/.*notify-subscription-id (integer) = //p' "$LAB/answer")
cat >"$LAB/poll.test" <<-END
	{
	NAME "a parked poll"
	OPERATION 0x001c
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR language attributes-natural-language en
	ATTR uri system-uri \$uri
	ATTR integer notify-subscription-ids $subscription
	ATTR boolean notify-wait true
	STATUS client-error-not-authorized
	EXPECT status-message WITH-VALUE /revoked/
	}
END
# poll SUBSCRIPTION - as machine one
poll() { machine_call one /ipp/system 0x001c "ATTR integer notify-subscription-ids $1" 'STATUS successful-ok'; }
subscribed() { sed -n 's/.*notify-subscription-id (integer) = //p' "$LAB/answer"; }
machine_call one /ipp/system 0x0058 'GROUP subscription-attributes-tag' 'ATTR keyword notify-pull-method ippget' \
	'ATTR keyword notify-events job-state-changed' 'STATUS successful-ok'
newer=$(subscribed)
poll "$subscription" && poll "$newer" && poll "$newer"
no_copy() { ! server check 2>&1 | grep -q 'two computers'; }
check "one computer that subscribes anew is one" no_copy
copied() { poll "$subscription" && server check >"$LAB/check.out" 2>&1; grep -q 'two computers share the identity of' "$LAB/check.out"; }
check "one that polls what was before is a second one, and check says so" wait_for 10 copied
check "so does the audit, once" same "$(poll "$subscription"; server audit --json | jq '[.. | objects | select(.event? == "two-computers")] | length')" 1
subscription=$newer
parked() { ss -tn state established "( dport = :$SERVER_PORT )" | grep -c ":$SERVER_PORT"; }
idle=$(parked)
lab_spawn poll timeout -s KILL 30 ipptool -tv "$(machine_uri one /ipp/system)" "$LAB/poll.test"
check "a machine's poll is parked" wait_for 10 eval '[ "$(parked)" -gt "$idle" ]'
server device revoke "$(<"$LAB/one.uuid")" >/dev/null
check "revoked, its parked poll ends at once" wait_for 10 grep -q 'revoked' "$LAB/log/poll.log"
check "with nothing but the refusal" eval 'wait_for 5 grep -q PASS "$LAB/log/poll.log" && ! grep -q FAIL "$LAB/log/poll.log"'
check "a revoked machine is refused at its next request" machine_call one /ipp/print/Office Get-Printer-Attributes \
	'STATUS client-error-not-authorized' 'EXPECT status-message WITH-VALUE /revoked/'
check "and another one is not" machine_call two /ipp/print/Office Get-Printer-Attributes 'STATUS successful-ok'
code=$(server enrol 2>/dev/null)
check "a revoked machine does not come back by a code" not server_enrol one "$code" "$(<"$LAB/one.uuid")"
server device remove "$(<"$LAB/one.uuid")" >/dev/null
check "a removed one does" server_enrol one "$code" "$(<"$LAB/one.uuid")"
machine_relay one
check "and is welcome" machine_call one /ipp/print/Office Get-Printer-Attributes 'STATUS successful-ok'
plan_done
