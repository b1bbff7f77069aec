# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# login.sh - a verifier as its own user, somebody in the server's place, and logins by pamtester; after lib.sh.
# pamtester reads /etc/pam.d: it runs in a mount namespace of its own where that is $LAB/pam.d.

# login_start [LINES OF login.conf's [verifier]] - after lab_start. With LOGIN_REAL=1 nobody is in the server's place: the daemon
# carries logins to a stillprint-server.
login_start()
{
	need pamtester unshare
	unshare -m true 2>/dev/null || skip_all "may not make a mount namespace"
	lab_tool fake-online login-ask
	LOGIN_MODULE=$LAB/pam_stillprint.so
	LOGIN_SOCK=$LAB/run/login.sock
	local from=$LAB_OUT/pam/pam_stillprint.so bin=$LAB_OUT/bin/stillprint-verifier
	[ -z "$LAB_DESTDIR" ] || from=$(find "$LAB_DESTDIR" -name pam_stillprint.so | head -n 1)
	from=${STILLPRINT_PAM_MODULE:-$from}
	[ -z "$LAB_DESTDIR" ] || bin=$(find "$LAB_DESTDIR" -name stillprint-verifier -type f -perm -1 | head -n 1)
	install -m 644 "$from" "$LOGIN_MODULE" && install -m 755 "$bin" "$LAB/bin/"
	install -m 755 "$LAB_TOOLS/fake-online" "$LAB/bin/"
	mkdir -p "$LAB/pam.d" "$LAB/accounts.d"
	chown stillprint:stillprint "$LAB/state" "$LAB/run"
	chmod 700 "$LAB/state"
	install -d -o stillprint -g stillprint -m 700 "$LAB/state/auth"
	printf '[verifier]\nmin-uid = 0\nlogind = %s\n' "$LAB/logind" >"$LAB/etc/login.conf"
	printf '%s\n' "$@" >>"$LAB/etc/login.conf"
	: >"$LAB/accounts.d/list"
	[ -n "${LOGIN_REAL:-}" ] || login_server_start
	login_verifier_start
}

login_server_start()
{
	lab_spawn_as stillprint fake-online "$LAB/bin/fake-online" "$LAB/run/online.sock" "$LAB/state/auth" "$LAB/accounts.d/list"
	wait_for 5 test -S "$LAB/run/online.sock" || die "nobody in the server's place"
}
login_server_stop() { lab_end fake-online && rm -f "$LAB/run/online.sock"; }

login_verifier_start()
{
	lab_spawn_as stillprint stillprint-verifier "$LAB/bin/stillprint-verifier"
	wait_for 10 login_answers || die "stillprint-verifier does not answer"
}
login_verifier_stop() { lab_end stillprint-verifier "$@"; }
login_answers() { "$LAB_TOOLS/login-ask" "$LOGIN_SOCK" query 4000000000; }

# login_account ACCOUNT SECRET RESULT [KIND] - what the server says from now on
login_account() { printf '%s\n' "$*" >>"$LAB/accounts.d/list"; }
# login_service NAME LINES... - a service; MODULE is ours with its socket
login_service() { printf '%s\n' "${@:2}" | sed "s|MODULE|$LOGIN_MODULE socket=$LOGIN_SOCK|" >"$LAB/pam.d/$1"; }
# login_as SERVICE USER TYPED ACTION... - pamtester; TYPED goes to every question. In session $LOGIN_SESSION, if that is set
login_as()
{
	local typed=$3 session=()
	[ -z "${LOGIN_SESSION:-}" ] || session=(-E "XDG_SESSION_ID=$LOGIN_SESSION")
	printf '%s\n%s\n%s\n' "$typed" "$typed" "$typed" |
		unshare -m bash -c 'mount --bind "$1/pam.d" /etc/pam.d && shift && exec "$@"' \
			- "$LAB" pamtester -I "tty=lab" "${session[@]}" "$1" "$2" "${@:4}"
}
# login_who UID [SESSION] - "ACCOUNT verified|claimed SESSIONS", or nothing
login_who() { "$LAB_TOOLS/login-ask" "$LOGIN_SOCK" query "$@" | sed -n 's/^1 //p'; }
login_logged() { grep -q -- "$1" "$LAB/log/stillprint-verifier.log"; }
