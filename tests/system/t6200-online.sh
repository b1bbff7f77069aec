#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6200-online - a login by PAM is the server's to decide while it is there, the cache's while it is not; nobody on the way
# can read the password, say it twice, or ask in the verifier's place.
# run-tests: deadline 240
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

# found_in COMMAND... - the planted secrets that the command's output has; the patterns stand in no command line
found_in() { "$@" 2>/dev/null | grep -aoFf "$LAB/planted" | sort -u; }
all_files() { find "$LAB/state" "$LAB/run" "$LAB/log" "$LAB/etc" "$LAB/server" "$LAB/ws" -type f -exec cat {} +; }
proc_files() { local p; for p in $(lab_pids_with "STILLPRINT_LAB=$LAB"); do cat "/proc/$p/cmdline" "/proc/$p/environ"; done; }

lab_start
need sqlite3 jq pamtester dbus-monitor
mkdir "$LAB/cores" && chmod 777 "$LAB/cores" && cd "$LAB/cores" && ulimit -c unlimited
printf '%s\n' planted-Anna-81 planted-New-82 planted-Berta-83 planted-Wrong-84 planted-Cold-85 >"$LAB/planted"
anna=spa$$ berta=spb$$ nobody=spn$$ cold=spc$$
for user in "$anna" "$berta" "$nobody" "$cold"; do lab_user "$user"; done
LAB_USER=$anna
lab_printer hall
srv_start
srv_queue Office hall
srv user add anna <<<planted-Anna-81 >/dev/null && srv user add berta <<<planted-Berta-83 >/dev/null &&
	srv user add "$cold" <<<planted-Cold-85 >/dev/null || die "accounts"
LOGIN_REAL=1 login_start
printf '[map]\n%s = anna\n%s = berta\n' "$anna" "$berta" >>"$LAB/etc/login.conf"
login_verifier_stop
login_verifier_start
login_service full 'auth required MODULE' 'account required pam_permit.so' 'session required MODULE'
lab_tool online-ask
install -m 755 "$LAB_TOOLS/online-ask" "$LAB/bin/"
ws_enrol Office
lab_spawn monitor dbus-monitor --address "$DBUS_SYSTEM_BUS_ADDRESS"

logs_in() { login_as full "$1" "$2" authenticate; }
# decided USER RESULT SOURCE - of the newest line about him
decided() { grep "event=login user=$1 " "$LAB/log/stillprint-verifier.log" | tail -n 1 | grep -q " result=$2 source=$3"; }
# answer ACCOUNT SECRET [OPTIONS...] - what online.sock says
answer() { online-ask "$LAB/run/online.sock" "$LAB/state/auth" "$1" "${@:3}" <<<"$2" 2>"$LAB/answer.err"; }
# asked RESULT ACCOUNT SECRET [OPTIONS...]
asked() { local said; said=$(answer "${@:2}") && same "${said%% *}" "$1"; }
# asked_at_once - away, and no further question has waited for the server
asked_at_once() { local n; n=$(waited) && asked 6 anna planted-New-82 && same "$(waited)" "$n"; }
waited() { grep -c 'event=login-not-asked' "$LAB/log/stillprintd.log"; }
online() { asked 2 no-such-account x; } # the way to the server is there: wrong, and not away
uuid_of() { srv_sql "SELECT lower(hex(uuid)) FROM account WHERE name = '$1'"; }
tries_of_all() { srv_sql "SELECT count(*) FROM audit WHERE event LIKE 'login%'"; }

# ---- keys and sockets

check "the verifier has the server's two public halves" wait_for 15 test -s "$LAB/state/auth/server-login.pub"
owned() { same "$(cd "$LAB/state/auth" && stat -c '%n %a %U %s' policy.pub server-login.pub)" "policy.pub 600 stillprint 32
server-login.pub 600 stillprint 32"; }
check "his alone" owned
check "the secret half is the server's alone" same "$(cd "$LAB/server/state" && stat -c '%a %U' login.key)" "600 stillprint"
check "the daemon listens for the verifier alone" same "$(stat -c '%a %U %F' "$LAB/run/online.sock")" "600 stillprint socket"
check "the server is reached" wait_for 15 online

# ---- the server decides

check "the right password lets in" logs_in "$anna" planted-Anna-81
check "by the server's word" decided "$anna" ok server
check "which the server has written down" same "$(srv_sql "SELECT count(*) FROM audit JOIN audit_name n ON n.id = who_id WHERE event = 'login' AND n.name = 'anna'")" 1
check "it came with the account's uuid" grep -q "^1 1 $(uuid_of anna) " <(answer anna planted-Anna-81)
check "a wrong one does not" not logs_in "$anna" planted-Wrong-84
check "by the server's word" decided "$anna" wrong server
check "who has no account there is refused" not logs_in "$nobody" planted-Wrong-84
check "by the server's word" decided "$nobody" wrong server
check "both hear the same" same "$(answer anna planted-Wrong-84)" "$(answer nobody-at-all planted-Wrong-84)"
check "the account counts that is sealed, not the one beside it" \
	grep -q "^1 1 $(uuid_of anna) " <(answer anna planted-Anna-81 --beside berta)
srv user disable berta >/dev/null
check "a disabled account is refused, though its password is right" not logs_in "$berta" planted-Berta-83
check "as locked" decided "$berta" locked server
check "its wrong password is just wrong" asked 2 berta planted-Wrong-84
srv user enable berta >/dev/null
check "enabled again it is let in" logs_in "$berta" planted-Berta-83

# ---- what nobody may do

check "asked once: right" asked 1 anna planted-Anna-81 --keep "$LAB/sealed"
before=$(tries_of_all)
check "the same octets once more: refused" asked 6 anna x --again "$LAB/sealed"
check "what was sealed to another server: refused" asked 6 anna planted-Anna-81 --stranger
check "what was sealed ten minutes ago: refused" asked 6 anna planted-Anna-81 --old 600
check "or is of the future" asked 6 anna planted-Anna-81 --old -600
check "none of these was a try" same "$(tries_of_all)" "$before"
# A machine whose clock is ahead of the server's: what it sealed is not older than the server's next start.
check "asked once, by a clock that is 3 s ahead" asked 1 anna planted-Anna-81 --keep "$LAB/ahead" --old -3
srv_stop
srv_up
check "the server, restarted, is met again" wait_for 30 online
check "the same octets after its restart: refused" asked 6 anna x --again "$LAB/sealed"
check "those of the clock that is ahead too" asked 6 anna x --again "$LAB/ahead"

by_other() { as "$berta" "$LAB/bin/online-ask" "$LAB/run/online.sock" "$LAB" anna --stranger <<<x 2>"$LAB/other.err"; same $? 3; }
check "another user cannot ask" by_other
check "he may not even connect" grep -q "Permission denied" "$LAB/other.err"
chmod 666 "$LAB/run/online.sock"
check "nor could he if the socket were open to all" by_other
check "he is cut off" grep -q "reset by peer\|Broken pipe" "$LAB/other.err"
chmod 600 "$LAB/run/online.sock"
check "the verifier still can" logs_in "$anna" planted-Anna-81
check "by the server's word" decided "$anna" ok server

# ---- without the server

srv_crash
check "the daemon knows that the server is lost" wait_for 15 daemon_log 'event=server-link-lost'
check "then the cache lets her in" logs_in "$anna" planted-Anna-81
check "by itself" decided "$anna" ok cache
check "it refuses a wrong one" not logs_in "$anna" planted-Wrong-84
check "by itself" decided "$anna" wrong cache
check "whom it has not met it does not let in" not logs_in "$cold" planted-Cold-85
srv_up
check "the server is back" wait_for 20 online
check "whom the cache did not know is let in" logs_in "$cold" planted-Cold-85
check "by the server's word" decided "$cold" ok server
srv user password anna <<<planted-New-82 >/dev/null || die "new password"
check "her new password counts at once" logs_in "$anna" planted-New-82
check "by the server's word" decided "$anna" ok server
check "the old one is over, though the cache may know it" not logs_in "$anna" planted-Anna-81
check "by the server's word" decided "$anna" wrong server

kill -STOP "$(lab_pid server)"
check "a server that says nothing keeps nobody out" logs_in "$anna" planted-New-82
check "the cache decided" decided "$anna" ok cache
check "the daemon has noticed: the next ones do not wait" daemon_log 'event=login-not-asked fault=silent'
check "and are not carried" asked_at_once
kill -CONT "$(lab_pid server)"
check "it speaks again" wait_for 30 online

lab_daemon_kill9
check "without the daemon the cache decides" logs_in "$anna" planted-New-82
check "by itself" decided "$anna" ok cache
lab_daemon_start
check "the daemon is back and carries again" wait_for 20 online
check "so the server decides" logs_in "$anna" planted-New-82
check "again" decided "$anna" ok server

# ---- restored, the server has the same key

pub=$(sha256sum <"$LAB/state/auth/server-login.pub")
srv backup "$LAB/backup" >/dev/null || die "backup"
srv_stop
srv restore "$LAB/backup" >"$LAB/restored" 2>&1 || die "restore: $(<"$LAB/restored")"
chown -R stillprint:stillprint "$LAB/server/state"
srv_up
check "a server that was restored opens what is sealed to the old key" wait_for 20 asked 1 anna planted-New-82
check "its key has not changed" same "$(sha256sum <"$LAB/state/auth/server-login.pub")" "$pub"
rm -f "$LAB/backup"

# ---- revoked

srv device revoke "$(head -n 1 "$LAB/state/identity/device" | cut -d' ' -f1)" >/dev/null || die "revoke"
before=$(tries_of_all)
check "a machine that was revoked is told nothing" wait_for 10 asked 6 anna planted-New-82
check "the server did not look at it" same "$(tries_of_all)" "$before"

# ---- secrets

check "the bus was watched" grep -q "org.stillprint" "$LAB/log/monitor.log"
check "our search finds what is there" same "$(found_in echo "x planted-New-82 y")" planted-New-82
check "no password in a log, a message of the bus, a database or a file" same "$(found_in all_files)" ""
check "none in a command line or environment" same "$(found_in proc_files)" ""
for name in stillprint-verifier stillprintd server; do
	pid=$(lab_pid $name)
	kill -ABRT "$pid" && wait_for 10 pid_gone "$pid" || die "$name does not end"
done
check "none of the three leaves a core" same "$(find "$LAB/cores" /tmp -maxdepth 1 -name 'core*' -newer "$LAB/planted")" ""
plan_done
