#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6320-sync-attacks - sync files that are old, foreign, forged, over or no files; an older database; guessing; and the end of
# an enrolment: only our own server's word makes a machine forget, and then it forgets all.
# run-tests: deadline 290
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"
# shellcheck source=tests/system/sync.sh
. "$(dirname "$0")/sync.sh"

sync_start
good=spg$$ gone=sph$$
for user in "$good" "$gone"; do
	lab_user "$user"
	srv user add "$user" <<<"pass-$user" >/dev/null || die "account $user"
done
sync_pin "$good" 7351928461
sync_pin "$gone" 51728394
srv sync add all --everybody >/dev/null || die "rule"
wait_for 15 sync_applied 3 && pin_opens "$gone" 51728394 || die "no credentials"

# ---- who gets it
check "a machine gets its file" same "$(as_machine -H "$(machine_key)")" 200
check "of ours, by its first octets" same "$(head -c 7 "$LAB/got")" STLPSYN
check "and no name stands in it" not grep -aq "$good" "$LAB/got"
cp "$LAB/got" "$LAB/old.sync"
check "without a certificate nobody does" same "$(sync_get -H "$(machine_key)")" 401
check "nor a person" same "$(sync_get -u "$good:pass-$good" -H "$(machine_key)")" 403
check "nor a machine that names no key" same "$(as_machine)" 400
check "or half of one" same "$(as_machine -H 'Stillprint-Machine-Key: YWJj')" 400
check "or a key that cannot be one" same "$(as_machine -H "Stillprint-Machine-Key: $(head -c 32 /dev/zero | base64)")" 400

# ---- files that are none of ours
cp -a "$LAB/state/auth" "$LAB/auth.before"
srv user remove "$gone" >/dev/null
check "somebody is removed" wait_for 15 sync_applied 2
check "and gets in no more" not pin_opens "$gone" 51728394
said() { login_logged "event=sync-refused reason=\"$1\""; }
check "the older file is refused" same "$(sync_lay "$LAB/old.sync")" 8
check "as what it is" said "not newer than what was applied before"
check "and does not bring him back" not pin_opens "$gone" 51728394
check "it is not left there" test ! -e "$LAB/state/auth/sync.in"
forge() { "$LAB_TOOLS/sync-file" make "$@" 86471359 >"$LAB/forged.sync"; }
head -c 32 /dev/urandom >"$LAB/other.pub"
right=$LAB/server/state/policy.key ours=$LAB/state/auth/machine.pub
forge - "$ours" 9 9 0 3600 1
check "one by another key is refused" same "$(sync_lay "$LAB/forged.sync")" 8
check "as forged" said "not signed by this site's server"
forge "$right" "$LAB/other.pub" 9 9 0 3600 1
check "one for another machine" same "$(sync_lay "$LAB/forged.sync")" 8
check "as not ours" said "sealed to another machine"
forge "$right" "$ours" 9 9 -7200 -3600 1
check "one whose time is over" same "$(sync_lay "$LAB/forged.sync")" 8
check "as that" said "past its time"
forge "$right" "$ours" 9 9 0 3600 1
head -c 300 "$LAB/forged.sync" >"$LAB/cut.sync"
check "one that is cut off" same "$(sync_lay "$LAB/cut.sync")" 8
install -o stillprint -g stillprint -m 600 "$LAB/forged.sync" "$LAB/run/elsewhere.sync"
as stillprint ln -s "$LAB/run/elsewhere.sync" "$LAB/state/auth/sync.in"
check "a symbolic link to a good one is not followed" same "$(sync_tell)" 8
rm -f "$LAB/state/auth/sync.in"
as stillprint ln "$LAB/run/elsewhere.sync" "$LAB/state/auth/sync.in"
check "a hard link neither" same "$(sync_tell)" 8
rm -f "$LAB/state/auth/sync.in" "$LAB/run/elsewhere.sync"
install -o stillprint -g stillprint -m 644 "$LAB/forged.sync" "$LAB/state/auth/sync.in"
check "nor one that others could have read" same "$(sync_tell)" 8
rm -f "$LAB/state/auth/sync.in"
check "after all that, who may log in still may" pin_opens "$good" 7351928461
other() { as "$good" "$LAB_TOOLS/login-ask" "$LOGIN_SOCK" "$1"; }
check "a user can neither tell to take a file" same "$(other sync)" 7
check "nor to forget" same "$(other wipe)" 7

# ---- guessing, with the server away and the verifier ended again and again
srv_stop
tries() { grep -c "event=login user=.* service=pin peer=0 result=$1 source=cache" "$LAB/log/stillprint-verifier.log"; }
before=$(tries wrong) guess=0
for pin in 100200{00..13}; do
	login_as pin "$good" "$pin" authenticate >/dev/null 2>&1
	guess=$((guess + 1))
	[ $((guess % 3)) -ne 0 ] || { login_verifier_stop KILL && login_verifier_start; }
done
tried=$(($(tries wrong) - before)) later=$(tries '\(later\|locked\)')
note "$guess guesses across $((guess / 3)) restarts: $tried were tried ($before wrong ones came before, at the same place), $later refused unseen"
check "five were tried there in all" same "$((before + tried))" 5
check "all others were not" same "$later" $((guess - tried))
check "the right one has to wait as well" not pin_opens "$good" 7351928461

# ---- the machine's own folder of yesterday
login_verifier_stop
rm -rf "$LAB/state/auth" && cp -a "$LAB/auth.before" "$LAB/state/auth"
login_verifier_start
check "root put yesterday's folder back: with the server away, who was removed gets in" pin_opens "$gone" 51728394
srv_up
check "until the server is there" wait_for 40 sync_applied 2
check "then no more" not pin_opens "$gone" 51728394
check "and who may log in may" pin_opens "$good" 7351928461

# ---- the server of yesterday
serial=$(tag_serial)
srv backup "$LAB/server/state/backup" >/dev/null || die "backup"
srv sync now >/dev/null
newer() { [ "$(tag_serial)" -gt "$1" ]; }
check "the serial goes on" wait_for 15 newer "$serial"
srv_stop
srv restore "$LAB/server/state/backup" >/dev/null || die "restore"
srv_up
incarnation() { grep -q "^\"$1\\." "$LAB/state/auth/sync.tag"; }
check "a restored server goes on by its incarnation" wait_for 60 incarnation 2
check "and who may log in may" pin_opens "$good" 7351928461

# ---- who is no server of ours, and one that has never heard of us
lab_pdf "$LAB/page.pdf" -t page >/dev/null
srv_stop
mv "$LAB/server/state" "$LAB/server/right"
install -d -o stillprint -g stillprint -m 700 "$LAB/server/state"
srv setup >/dev/null && srv_up
ws_lp -d Office "$LAB/page.pdf" >/dev/null
check "another server at that address is met" wait_for 30 job_held_for 1 certificate-changed
check "nothing is forgotten" pin_opens "$good" 7351928461
srv_stop
rm -rf "$LAB/server/state" && mv "$LAB/server/right" "$LAB/server/state"
uuid=$(srv_sql 'SELECT uuid FROM machine LIMIT 1')
srv_write "CREATE TABLE aside AS SELECT * FROM machine; DELETE FROM machine"
srv_up
refused() { [ "$(as_machine -H "$(machine_key)" -D "$LAB/head")" = 403 ]; }
check "one that does not know this machine (an older database) refuses it" wait_for 10 refused
check "and does not call it revoked" not grep -qi '^Stillprint-Credentials' "$LAB/head"
unknown() { grep -q 'credentials-not-fetched.*status=403' "$LAB/log/stillprintd.log"; }
check "the machine hears that" wait_for 40 unknown
check "and forgets nothing" pin_opens "$good" 7351928461
srv_write "INSERT INTO machine SELECT * FROM aside; DROP TABLE aside"
check "the job is made known" wait_for 60 job_registered 1

# ---- revoked
old=$(base64 -w0 <"$LAB/state/auth/machine.pub")
check "the machine is revoked" srv device revoke "$machine"
wiped() { login_logged 'event=wiped' && login_answers; }
check "it forgets" wait_for 30 wiped
check "nobody gets in by what it knew" not pin_opens "$good" 7351928461
check "no credential is left on disk" not test -s "$LAB/state/auth/cache"
fresh() { [ -s "$LAB/state/auth/machine.pub" ] && [ "$(base64 -w0 <"$LAB/state/auth/machine.pub")" != "$old" ]; }
check "the key is a new one: a copy of the cache stays closed" wait_for 10 fresh
check "the status says what to do" grep -q "revoked at the server" <(stillprint status)
check "and check" grep -q "has forgotten all credentials" <(stillprint check)
check "the user's job is still there" same "$(job_state 1)" held
srv device remove "$machine" >/dev/null
again() { CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD stillprint setup Office --server "ipps://localhost:$SRV_PORT" --code "$(srv_code)" --yes >"$LAB/enrol.said" 2>&1; }
check "it is enrolled again" again
sync_trust
check "the credentials come back" wait_for 40 pin_opens "$good" 7351928461
check "and the job is made known again" wait_for 90 job_registered 1
check "a second wipe did not happen" same "$(grep -c 'event=wiped' "$LAB/log/stillprint-verifier.log")" 1

# ---- ten thousand
srv_write "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
	INSERT INTO account (name, full_name, hash, created_ms, changed_ms, uuid) SELECT 'many' || i, '', '', 1, 1, randomblob(16) FROM n"
verifier=$(srv_sql "SELECT verifier FROM account_secret LIMIT 1")
srv_write "INSERT INTO account_secret (account, kind, idx, verifier, label, created_ms) SELECT name, 2, rowid + 5, '$verifier', '', 1 FROM account WHERE name LIKE 'many%'"
start=$(now_ms)
check "10,000 accounts are asked for" srv sync set 1 --max 20000
check "and are there" wait_for 30 sync_applied "$(srv_sql 'SELECT count(*) FROM account')"
note "$(($(now_ms) - start)) ms from the rule to the verifier, $(grep -o 'octets=[0-9]*' "$LAB/log/stillprintd.log" | tail -n 1), $(grep VmHWM "/proc/$(lab_pid stillprint-verifier)/status" | tr -s '\t ' ' ') of the verifier, $(grep VmHWM "/proc/$(lab_pid stillprintd)/status" | tr -s '\t ' ' ') of the daemon, $(grep VmHWM "/proc/$(lab_pid server)/status" | tr -s '\t ' ' ') of the server"
start=$(now_ms)
check "the same PIN opens among them" pin_opens "$good" 7351928461
note "$(($(now_ms) - start)) ms for that login, pamtester's own start included"
plan_done
