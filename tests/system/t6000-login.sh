#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6000 - who logs in by PAM is known to the verifier until he logs out: with the server, without it, and by pamtester.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

lab_start
login_start
user=spl$$
lab_user "$user"
uid=$(id -u "$user")
cat >"$LAB/map" <<-EOF
	[map]
	$user = anna@example.org
EOF
cat "$LAB/map" >>"$LAB/etc/login.conf"
login_verifier_stop
login_verifier_start

login_service full 'auth required MODULE' 'account required MODULE' 'session required MODULE' 'password optional MODULE' \
	'password required pam_permit.so'
login_service desk 'auth required pam_permit.so' 'session optional MODULE' 'session required pam_permit.so'
login_service shipped 'auth [success=ok default=ignore] MODULE timeout=1' 'auth required pam_permit.so' \
	'account required pam_permit.so' 'session optional MODULE timeout=1' 'session required pam_permit.so'
login_account anna@example.org planted-Zq81 1 1

check "the verifier runs as user stillprint" same "$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' "/proc/$(lab_pid stillprint-verifier)/status")" "$(id -u stillprint)"
check "the right password lets in" login_as full "$user" planted-Zq81 authenticate
check "it was learned" wait_for 5 test -s "$LAB/state/auth/cache"
check "a wrong one does not" not login_as full "$user" wrong-Zq82 authenticate
check "nobody is bound yet" same "$(login_who "$uid")" ""
check "login and session" login_as full "$user" planted-Zq81 authenticate acct_mgmt open_session
check "now the uid is anna, verified" same "$(login_who "$uid")" "anna@example.org verified 1"
check "another uid is not" same "$(login_who 12345)" ""
login_verifier_stop KILL
login_verifier_start
check "a restart of the verifier forgets no session" same "$(login_who "$uid")" "anna@example.org verified 1"
check "logout" login_as full "$user" - close_session
check "and she is gone" same "$(login_who "$uid")" ""
check "a session without a password of ours is opened too" login_as desk "$user" - authenticate open_session
check "but only claimed" same "$(login_who "$uid")" "anna@example.org claimed 1"
check "and closed" login_as desk "$user" - close_session
check "then nobody is left" same "$(login_who "$uid")" ""

# ---- who tried too often is told to wait; the account is not locked by it
cache_is_newer() { test "$LAB/state/auth/cache" -nt "$LAB/before"; }
login_service change 'password required pam_unix.so yescrypt' 'password optional MODULE'
login_service door 'account [perm_denied=die default=ignore] MODULE' 'account required pam_permit.so'
login_account anna@example.org hasty-Zq83 5
rc=0
said=$(login_as full "$user" hasty-Zq83 authenticate 2>&1) || rc=$?
check "who is to wait is not let in" test "$rc" -ne 0
check "and told how long" grep -q "Try again in 17 seconds" <<<"$said"
check "which is not kept as locked" login_as full "$user" - acct_mgmt
touch "$LAB/before"
check "a change that cannot be looked at now" login_as change "$user" hasty-Zq83 chauthtok
check "takes the old one out of the cache" wait_for 5 cache_is_newer
check "and locks nothing either" login_as door "$user" - acct_mgmt
touch "$LAB/before"
check "she gets in again" login_as full "$user" planted-Zq81 authenticate
check "and that is learned" wait_for 5 cache_is_newer

login_server_stop
check "with the server away she gets in by the cache" login_as full "$user" planted-Zq81 authenticate open_session
check "verified all the same" same "$(login_who "$uid")" "anna@example.org verified 1"
check "and out" login_as full "$user" - close_session
check "a wrong one is refused there too" not login_as full "$user" wrong-Zq82 authenticate
check "the log says that it was the cache" login_logged "event=login user=$user service=full peer=0 result=ok source=cache"

login_server_start
login_account anna@example.org planted-New93 1 1
check "she changes her password" login_as change "$user" planted-New93 chauthtok
check "the verifier was told" wait_for 5 login_logged "event=change user=$user service=change peer=0 result=ok"
login_server_stop
check "the new one serves while the server is away" wait_for 5 login_as full "$user" planted-New93 authenticate
check "the old one does not" not login_as full "$user" planted-Zq81 authenticate

kill -STOP "$(lab_pid stillprint-verifier)"
start=$(now_ms)
check "with the verifier stopped, what the packages ship lets in" login_as shipped "$user" planted-New93 authenticate open_session close_session
took=$(($(now_ms) - start))
note "took $took ms for three calls of 1 s each"
check "within its deadlines" test $took -lt 5000
kill -CONT "$(lab_pid stillprint-verifier)"
login_verifier_stop
start=$(now_ms)
check "and without any verifier" login_as shipped "$user" planted-New93 authenticate open_session close_session
check "at once" test $(($(now_ms) - start)) -lt 1500
login_verifier_start
rc=0
as stillprint "$LAB/bin/stillprint-verifier" >/dev/null 2>&1 || rc=$?
check "a second verifier is refused" same "$rc" 75
check "the first one goes on" login_answers

plan_done
