#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6030 - the profiles for pam-auth-update do what they say, and no verifier's death locks anybody out.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

# profiled COMMAND... - with private copies of PAM's folders, so that nothing of the machine's own is changed
profiled()
{
	unshare -m bash -c 'mount --bind "$1/pam.d" /etc/pam.d && mount --bind "$1/configs" /usr/share/pam-configs &&
		mount --bind "$1/varpam" /var/lib/pam && shift && exec "$@"' - "$LAB" "$@"
}
# enabled PROFILE - the machine's stock stacks with that profile, and a service that uses them
enabled()
{
	rm -rf "$LAB/pam.d" "$LAB/varpam" && cp -a /etc/pam.d "$LAB/pam.d" && cp -a /var/lib/pam "$LAB/varpam"
	DEBIAN_FRONTEND=noninteractive profiled pam-auth-update --package --enable "$1" || return 1
	sed -i "s|pam_stillprint.so|$LOGIN_MODULE socket=$LOGIN_SOCK timeout=1|" "$LAB"/pam.d/common-*
	printf '@include common-%s\n' auth account session password >"$LAB/pam.d/desk"
}
lines() { grep -h pam_stillprint "$LAB/pam.d/$1" | sed "s|[^ 	]*/pam_stillprint.so|pam_stillprint.so|; s| socket=[^ ]* timeout=1||" | tr -s ' \t' ' '; }

lab_start
need pam-auth-update
[ -e /etc/pam.d/common-auth ] || skip_all "no stacks made by pam-auth-update here"
login_start
cp -a /usr/share/pam-configs "$LAB/configs"
for f in "$LAB_TOP"/pam/debian-*; do cp "$f" "$LAB/configs/$(basename "${f#*pam/debian-}")"; done
user=spf$$
lab_user "$user" planted-local-5
uid=$(id -u "$user")
login_account "$user" planted-local-5 1 1
login_account "$user" print-only-6 1 1

check "pam-auth-update takes the profile" enabled stillprint
check "auth, as decided" same "$(lines common-auth)" "auth [success=ok default=ignore] pam_stillprint.so use_first_pass service_only"
check "session, as decided" same "$(lines common-session)" "session optional pam_stillprint.so "
check "a login with the machine's password" login_as desk "$user" planted-local-5 authenticate acct_mgmt open_session
check "is known for printing, verified" same "$(login_who "$uid")" "$user verified 1"
check "until it ends" login_as desk "$user" - close_session
check "that is" same "$(login_who "$uid")" ""
check "the print account's password opens nothing" not login_as desk "$user" print-only-6 authenticate
login_verifier_stop KILL
check "with the verifier dead, the machine lets in as ever" login_as desk "$user" planted-local-5 authenticate acct_mgmt open_session close_session
login_verifier_start
kill -STOP "$(lab_pid stillprint-verifier)"
check "and with it stopped" login_as desk "$user" planted-local-5 authenticate acct_mgmt open_session close_session
check "and it refuses whom it refused before" not login_as desk "$user" wrong authenticate
kill -CONT "$(lab_pid stillprint-verifier)"

check "the other profile" enabled stillprint-login
check "lets the holder of the print account in" login_as desk "$user" print-only-6 authenticate
check "and of the machine's own" login_as desk "$user" planted-local-5 authenticate
check "not a wrong one" not login_as desk "$user" wrong authenticate
login_verifier_stop
check "without the verifier the machine's own still does" login_as desk "$user" planted-local-5 authenticate acct_mgmt open_session close_session
check "and nothing of the machine was changed" not grep -rq stillprint /etc/pam.d /usr/share/pam-configs /var/lib/pam
plan_done
