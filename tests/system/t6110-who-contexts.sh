#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6110-who-contexts - who prints out of su, root's hands, batch jobs, namespaces: docs/identity.md, "Who is he then".
# run-tests: deadline 180
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"
# shellcheck source=tests/system/who.sh
. "$(dirname "$0")/who.sh"

who_start
need setpriv setsid su unshare
socket=$(cups_socket ws)
lp=(lp -h "$socket" -d Office "$LAB/a.pdf")
# comes_as "OWNER verified|claimed" COMMAND... - what the command prints is so at the server
comes_as() { "${@:2}" </dev/null >/dev/null && who_took && at_server "$last" "$1"; }
as_uid() { setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups env HOME="$LAB/home" "${@:2}"; }

check "anna logs in" anna_logs_in
check "she prints" comes_as "anna verified" as_uid "$one" "${lp[@]}"

check "su to another user: the other, claimed" comes_as "$two claimed" su -s /bin/sh "$two" -c "lp -h $socket -d Office $LAB/a.pdf"
check "su by root to her: her uid, so she is" comes_as "anna verified" su -s /bin/sh "$one" -c "lp -h $socket -d Office $LAB/a.pdf"
check "root's lp, as sudo lp and root's cron do it: root, claimed" comes_as "root claimed" setsid "${lp[@]}"
check "root with -U: CUPS refuses it, as anybody's" not lp -h "$socket" -U "$one" -d Office "$LAB/a.pdf"
check "a batch job of hers while she is logged in: her uid, so she is" comes_as "anna verified" as_uid "$one" setsid env -i PATH="$PATH" "${lp[@]}"
check "a container with her uid and the socket: she is" comes_as "anna verified" unshare --mount --pid --fork --ipc --uts setpriv --reuid "$one" --regid "$(id -g "$one")" --clear-groups "${lp[@]}"
rootless() { as_uid "$one" unshare --user --map-root-user "${lp[@]}" </dev/null; }
if as_uid "$one" unshare --user --map-root-user true 2>/dev/null; then
	check "one where she is root: CUPS sees her uid and refuses the name" not rootless
	check "with her own name she is she there too" comes_as "anna verified" as_uid "$one" unshare --user --map-current-user "${lp[@]}"
else
	skip "one where she is root" "no user namespaces here"
fi

check "anna logs out" anna_logs_out
check "a batch job after that is claimed" comes_as "anna claimed" as_uid "$one" setsid env -i PATH="$PATH" "${lp[@]}"

check "sshd checks a password in one process" login_as full "$one" planted-Zq81 authenticate
check "and opens the session in another" login_as full "$one" - open_session
check "she is verified" comes_as "anna verified" as_uid "$one" "${lp[@]}"
check "and out" anna_logs_out
check "a session by key" login_as key "$one" - open_session
check "is claimed" comes_as "anna claimed" as_uid "$one" "${lp[@]}"
LOGIN_SESSION=screen check "beside it one by password" login_as full "$one" planted-Zq81 authenticate open_session
check "makes the uid verified: its sessions are one to the kernel" comes_as "anna verified" as_uid "$one" "${lp[@]}"
plan_done
