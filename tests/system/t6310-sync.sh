#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6310-sync - who may log in without the server: what the administrator chooses is at the machine at once, and within the
# interval when nobody tells it; who is gone cannot log in after the next file.
# run-tests: deadline 240
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
one=spa$$ two=spb$$ three=spc$$
for user in "$one" "$two" "$three"; do
	lab_user "$user"
	srv user add "$user" <<<"pass-$user" >/dev/null || die "account $user"
done
sync_pin "$one" 73519284
sync_pin "$two" 51728394

# ---- no rule: an empty file
check "without a rule the machine has an empty file" wait_for 15 sync_applied 0
check "and says that all is well" wait_for 10 sync_is ok
check "nobody's PIN opens" not pin_opens "$one" 73519284

# ---- a rule, and the event
check "a rule for one user" srv sync add all --user "$one"
check "a second one like it is refused" not srv sync add all --user "$one"
check "nobody unknown, nor a machine" not srv sync add all --user nobody-here
check "no interval beyond its validity" not srv sync add nowhere --user "$one"
started=$(now_ms)
check "he is there at once, though the interval is 15 minutes" wait_for 10 sync_applied 1
note "within $(($(now_ms) - started)) ms of asking"
check "his PIN opens" wait_for 5 pin_opens "$one" 73519284
check "another does not" not pin_opens "$one" 51728394
check "nor a PIN of someone whom no rule names" not pin_opens "$two" 51728394
check "the audit tells of rule and file" test "$(srv_sql "SELECT count(DISTINCT event) FROM audit_line WHERE event IN ('sync-rule-added', 'credentials-issued')")" = 2
srv_stop
check "with the server gone too" pin_opens "$one" 73519284
check "the log says that it was the cache" login_logged "result=ok source=cache"
srv_up

# ---- a group, and nobody tells the machine
srv_write "INSERT INTO account_group VALUES ('staff', 1); INSERT INTO account_member VALUES ('$two', 'staff')"
check "a rule for a group, each 10 s" srv sync add workstations --group staff --interval 10s
check "its member is there" wait_for 15 sync_applied 2
check "and gets in" wait_for 5 pin_opens "$two" 51728394
serial=$(tag_serial)
quiet="UPDATE sync_machine SET stamp = 1000000000"
srv_write "$quiet; INSERT INTO account_member VALUES ('$three', 'staff'); $quiet"
sync_pin "$three" 90417263 && srv_write "$quiet"
newer() { [ "$(tag_serial)" -gt "$1" ]; }
check "without an event a change is there within the interval" wait_for 14 newer "$serial"
check "it is there" wait_for 14 sync_applied 3
check "and lets in" pin_opens "$three" 90417263
asked() { [ "$(sync_field applied)" -gt "$1" ]; }
check "the machine goes on asking" wait_for 25 asked "$(date +%s)"
serial=$(tag_serial)
check "and asking" wait_for 25 asked "$(($(date +%s) + 1))"
check "the serial stays while nothing changes" same "$(tag_serial)" "$serial"

# ---- gone
check "who is removed" srv user remove "$one"
check "is told to the machine" wait_for 15 sync_applied 2
check "and gets in no more" not pin_opens "$one" 73519284
check "who is disabled" srv user disable "$two"
check "is told to the machine" wait_for 15 newer "$(tag_serial)"
check "and does not get in either" not pin_opens "$two" 51728394
sync_online
lab_user four$$
srv user add "four$$" <<<planted-Qx55 >/dev/null
check "somebody whom no rule names logs in by password, with the server" pin_opens "four$$" planted-Qx55
sync_offline
check "and without it, by what was learned" wait_for 5 pin_opens "four$$" planted-Qx55
serial=$(tag_serial)
check "he is removed at the server" srv user remove "four$$"
check "the machine hears of it" wait_for 15 newer "$serial"
check "and what was learned of him serves no longer" not pin_opens "four$$" planted-Qx55
check "the group's rule goes" srv sync remove 2
check "and with it its people" wait_for 15 sync_applied 0
check "who get in no more" not pin_opens "$three" 90417263
srv sync remove 1 >/dev/null
check "--max limits, and says so" srv sync add "$machine" --everybody --max 1
left_out() { [ "$(sync_field left_out)" -gt 0 ]; }
check "some are left out" wait_for 15 left_out
check "sync now raises the serial" srv sync now "$machine"
check "whatever is in it" wait_for 15 newer "$(tag_serial)"

# ---- as the administrator of the workstation sees it
login_verifier_stop
srv sync now >/dev/null
check "a verifier that is down is seen" wait_for 15 sync_is no-verifier
check "and check says what to do" grep -q "stillprint-verifier does not answer" <(stillprint check)
login_verifier_start
check "and it goes on when it is there" wait_for 20 sync_is ok
check "check says how the key is kept" grep -q "offline cache is a file that root can read" <(stillprint check)
check "so does the verifier" grep -q "^key: a file that root" <(as stillprint "$LAB/bin/stillprint-verifier" --check)
check "and of a credential of systemd's" grep -q "^key: systemd credentials" <(as stillprint env CREDENTIALS_DIRECTORY=/nowhere "$LAB/bin/stillprint-verifier" --check)
mv "$LAB/state/auth/key" "$LAB/key"
check "without a file neither calls it one" grep -q "^key: no file: systemd credentials" <(as stillprint "$LAB/bin/stillprint-verifier" --check)
check "nor does check" grep -q "offline cache is a systemd credential" <(stillprint check)
mv "$LAB/key" "$LAB/state/auth/key"
plan_done
