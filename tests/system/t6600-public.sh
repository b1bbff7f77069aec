#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6600 - a public computer: what waits goes with the one who leaves, by logging out or by not coming back; what is on its
# way is finished; what others have waiting stays.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

lab_start
lab_tool put-job
lab_tool fake-login1
lab_printer server
lab_relay net "localhost:$(printer_port server)"
upstream=ipp://localhost:$(relay_port net)/ipp/print
WS_GLOBALS=$'public-workstation = yes\npublic-idle = 5min'
login_start
sed -i 's/^min-uid = 0/min-uid = 1/' "$LAB/etc/login.conf"
login_verifier_stop
login_verifier_start
cat >"$LAB/login1.conf" <<-EOF
	<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
	 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
	<busconfig>
	<policy user="root"><allow own="org.freedesktop.login1"/></policy>
	<policy context="default"><allow send_destination="org.freedesktop.login1"/></policy>
	</busconfig>
EOF
lab_bus_policy "$LAB/login1.conf"
: >"$LAB/users"
lab_spawn login1 "$LAB_TOOLS/fake-login1" "$LAB/users"
wait_for 5 lab_bus_has org.freedesktop.login1 || die "nobody in logind's place"
anna=spa$$ bert=spb$$
lab_user "$anna"
lab_user "$bert"
login_service full 'auth required MODULE' 'account required MODULE' 'session required MODULE'
login_account "$anna" planted-Zq81 1 1
login_account "$bert" planted-Zq82 1 1
job=0
put() { lab_pdf "$LAB/$2.pdf" -t "$2" >/dev/null && job=$((job + 1)) && "$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/$2.pdf" owner="$1" title="$2" job-id=$job; }
left() { job_is "$1" canceled && [ "$(job_reason "$1")" = session-ended ]; }
documents() { find "$LAB/spool/jobs" -type f | wc -l; }
asked() { [ "$(wc -l <"$LAB/log/login1.log")" -ge "$1" ]; }
is_idle() { # USER SINCE
	printf '%s %s %s\n' "$(id -u "$anna")" "$anna" 0 "$(id -u "$bert")" "$bert" "$1" >"$LAB/users.new"
	mv "$LAB/users.new" "$LAB/users"
}
ws_start office "$upstream" "on-outage = hold"
wait_for 5 queue_is office ok

check "anna and bert log in" eval 'login_as full "$anna" planted-Zq81 authenticate open_session && login_as full "$bert" planted-Zq82 authenticate open_session'
net refuse
put "$anna" alpha
put "$bert" bravo
put root charlie
wait_for 10 all_jobs_are held 1 2 3
check "anna is told that it goes with her session" wait_for 10 daemon_log "job=1 event=notice kind=public-workstation"
check "while she is there, it stays" same "$(job_state 1)" held
check "she logs out" login_as full "$anna" - close_session
check "what she had waiting is canceled, and the reason says so" wait_for 15 left 1
note "$(stillprint why 1 2>&1 | head -n 3)"
check "its document is erased" wait_for 5 eval '[ "$(documents)" = 2 ]'
check "bert's and root's wait on" same "$(job_state 2) $(job_state 3)" "held held"

# on its way to paper when she leaves
check "anna is back" login_as full "$anna" planted-Zq81 authenticate open_session
net pass
wait_for 20 all_jobs_are completed 2 3
echo 30 >"$LAB/server/slow"
put "$anna" delta
wait_for 15 job_is 4 sent
login_as full "$anna" - close_session
net refuse
put "$anna" golf
check "what still waited is erased" wait_for 15 left 5
rm "$LAB/server/slow"
net pass
check "what was on its way when she left is printed" wait_for 15 job_is 4 completed
check "once" same "$(prints_of server delta)" 1

# nobody touches it
net refuse
put "$bert" echo
wait_for 10 job_is 6 held
is_idle "$(awk '{ print int($1) - 100 }' /proc/uptime)"
: >"$LAB/log/login1.log"
wait_for 20 asked 2
check "away for less than the time: it stays" job_is 6 held
is_idle "$(awk '{ print int($1) - 400 }' /proc/uptime)"
check "away for longer: it is erased" wait_for 15 left 6
check "and he is nobody any more" wait_for 5 eval '[ -z "$(login_who "$(id -u "$bert")")" ]'
is_idle 0

# nobody can tell
check "anna logs in" login_as full "$anna" planted-Zq81 authenticate open_session
put "$anna" foxtrot
wait_for 10 job_is 7 held
login_verifier_stop
check "without the login service the daemon says that it is blind" wait_for 10 daemon_log "event=public-workstation-blind"
check "and ends nothing" same "$(job_state 7)" held
plan_done
