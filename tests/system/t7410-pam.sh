#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7410 - passwords that PAM checks: Linux-PAM's own modules, one that hangs, one that crashes, and who becomes a user.
# run-tests: deadline 120
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"
need curl jq perl

lab_start
mkdir "$LAB/pam.d"
export STILLPRINT_SERVER_PAM_DIR=$LAB/pam.d
perl -MDB_File -e 'tie my %h, "DB_File", "$ARGV[0].db", O_RDWR | O_CREAT, 0644, $DB_HASH or die; %h = (anna => "dir-anna", carl => "dir-carl", root => "dir-root")' \
	"$LAB/people" 2>/dev/null || skip_all "no DB_File for pam_userdb"
service() { printf '%s\n' "$@" >"$LAB/pam.d/stillprint-server"; }
userdb="pam_userdb.so db=$LAB/people crypt=none"
service "auth required $userdb" "account required pam_permit.so"
printf '#!/bin/sh\necho $$ >%s/hanging\nexec sleep 600\n' "$LAB" >"$LAB/hang"
printf '#!/bin/sh\nkill -SEGV $PPID\nsleep 5\n' >"$LAB/crash"
chmod 755 "$LAB/hang" "$LAB/crash"
: >"$LAB/hanging" && chmod 666 "$LAB/hanging" # the server is somebody else
server_start 'passwords = pam' 'pam-timeout = 2s'

from() { echo "127.$((SRANDOM % 250 + 1)).$((SRANDOM % 250)).$((SRANDOM % 250 + 1))"; }
http() { curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB/ca.crt" --interface "$(from)" "$@"; }
ipp() { http -u "$1:$2" -d x -H 'Content-Type: application/ipp' "https://localhost:$SERVER_PORT/ipp/print/Office"; }
web() { http -d "user=$1" --data-urlencode "password=$2" "https://localhost:$SERVER_WEB_PORT/login"; }
tries() { server user show anna --json | jq '[.wrong_tries[].tries] | add // 0'; }
users() { server user list --json | jq -r '.users[].name' | tr '\n' ' '; }

check "a password that PAM takes lets in" same "$(web anna dir-anna)" 303
check "one that our own store had does not" same "$(web anna anna-pw)" 403
check "a wrong one does not" same "$(web anna wrong)" 403
check "by IPP too" same "$(ipp anna dir-anna)" 200
check "who is in the directory and not here becomes a user" same "$(web carl dir-carl; users)" '303anna bert carl '
check "and the audit says by what" same "$(server audit --user carl --event user-added --json | jq -r '.audit[0].who')" pam
check "who is in neither does not" same "$(web dora x; users)" '403anna bert carl '
check "passwords are not changed here" not server user password anna <<<x
server user pin anna <<<584930 >/dev/null
server user disable carl >/dev/null
check "who is disabled here is kept out, whatever PAM says" same "$(web carl dir-carl)" 403
server user enable carl >/dev/null

# ---- the account's phase
service "auth required $userdb" "account required pam_deny.so"
check "who may not by PAM's account rules is kept out" same "$(web anna dir-anna)" 403
service "auth requisite pam_succeed_if.so quiet uid >= 1000" "auth required $userdb" "account required pam_permit.so"
check "a system account is nobody with the shipped rule" same "$(web root dir-root)" 403
service "auth required $userdb" "account required pam_permit.so"
for _ in 1 2 3 4 5; do web bert wrong >/dev/null; done
check "tries are counted here, before PAM is asked" same "$(server user show bert --json | jq '.wrong_tries[0].tries')" 5

# ---- modules that hang, crash, or cannot tell
service "auth required pam_exec.so quiet $LAB/hang" "account required pam_permit.so"
check "a module that hangs is an answer of trouble" same "$(ipp anna dir-anna)" 503
check "it was started" test -s "$LAB/hanging"
check "and nothing of it stays" not kill -0 "$(<"$LAB/hanging")"
check "and it was no try" same "$(tries)" 0
service "auth required pam_exec.so quiet $LAB/crash" "account required pam_permit.so"
check "a module that crashes too" same "$(ipp anna dir-anna)" 503
check "which counts: it had been told the secret" same "$(tries)" 1
check "the server goes on" server_answers
service "auth required $userdb" "account required pam_permit.so"
check "and lets in again" same "$(web anna dir-anna)" 303
sed -i '/^unknown-users/d; /^passwords/a unknown-users = refuse' "$STILLPRINT_SERVER_CONF"
server_restart
server user erase carl --yes >/dev/null
check "unknown-users = refuse: nobody becomes a user" same "$(web carl dir-carl; users)" '403anna bert '
check "no password is in the log, the database, or an argument" not grep -rqaE 'dir-(anna|carl)' "$SERVER_STATE" "$LAB/log"
plan_done
