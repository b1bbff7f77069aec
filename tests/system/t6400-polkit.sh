#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6400-polkit.sh - the real polkitd says who sees and releases others' jobs, changes everybody's fallbacks and administers;
# who it does not name gets nothing, and learns nothing; an absent or a stopped polkitd means no, soon, and disturbs nobody.
# run-tests: deadline 150
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/polkit.sh"
need python3 unshare

lab_start
[ -n "$POLKITD" ] || skip_all "needs polkitd"
for who in lab-sees lab-acts lab-names lab-rules; do lab_user $who; done
pk_rules <<'X'
polkit.addRule(function(action, subject) {
	var may = {
		"lab-sees": "org.stillprint.view-others",
		"lab-acts": "org.stillprint.release-others",
		"lab-names": "org.stillprint.change-fallback",
		"lab-rules": "org.stillprint.manage"
	};
	if (action.id.indexOf("org.stillprint.") != 0)
		return polkit.Result.NO;
	if (subject.user == "mail")
		return polkit.Result.AUTH_ADMIN;
	return may[subject.user] == action.id ? polkit.Result.YES : polkit.Result.NO;
});
X
lab_printer mfp
lab_printer other
ws_start office "ipp://localhost:$(free_port)/ipp/print" "on-outage = hold"
lab_pdf "$LAB/page.pdf" -t page >/dev/null
ws_lp -d office -t payroll "$LAB/page.pdf" >/dev/null
wait_for 15 job_is 1 held || die "not held"

# may USER ARGUMENTS... - the command line as the user, its words in $LAB/said
may()
{
	local user=$1
	shift
	as "$user" env STILLPRINT_CONF="$STILLPRINT_CONF" stillprint "$@" >"$LAB/said" 2>&1 </dev/null
}
refused() { may "$@"; local rc=$?; [ $rc -eq 5 ] || { echo "exit $rc" && cat "$LAB/said" && return 1; }; }
absent() { may "$@"; local rc=$?; [ $rc -eq 3 ] || { echo "exit $rc" && cat "$LAB/said" && return 1; }; }
says() { grep -q -- "$1" "$LAB/said" || { cat "$LAB/said" && return 1; }; }
every_refusal() # USER
{
	refused "$1" jobs --users && refused "$1" usage --users && absent "$1" why 1 && absent "$1" release 1 &&
		absent "$1" cancel 1 && absent "$1" print-again 1 && refused "$1" outage start && refused "$1" outage stop &&
		refused "$1" trust ipps://localhost/ && refused "$1" fallback add --everybody "$(printer_uri other)" &&
		refused "$1" fallback remove --everybody "$(printer_uri other)" && bus_refused "$1" Reload && bus_refused "$1" Audit u 0
}
bus_refused() { ! as "$1" busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.stillprint /org/stillprint org.stillprint.Manager1 "${@:2}" 2>"$LAB/said"; }

# ---- without polkit: as ever
check "without polkit all is root's" every_refusal lab-sees
refused lab-sees jobs --users
check "and the message says what to do" says "run it with sudo (polkit, which could allow it, does not answer)"
check "root needs no polkit" sp_root why 1

# ---- with it
pk_start
check "who may see, sees everybody's jobs" may lab-sees jobs --users
check "their titles too" says payroll
check "and why one waits" may lab-sees why 1
check "and what was printed" may lab-sees usage --users
check "but does not release it" absent lab-sees release 1 --printer "$(printer_uri mfp)"
check "nor cancel" absent lab-sees cancel 1
check "nor administer" refused lab-sees outage start
check "nor name fallbacks for all" refused lab-sees fallback add --everybody "$(printer_uri other)"
check "who may release does not see" refused lab-acts jobs --users
check "and gets no title" not says payroll
check "who may change fallbacks adds one for all" may lab-names fallback add --everybody "$(printer_uri other)"
check "its other users have it" may "$LAB_USER" fallback list
check "as the administrator's" says administrator
check "root sees who did it" grep -q lab-names <(lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 Audit u 0)
check "and removes it" may lab-names fallback remove --everybody "$(printer_uri other)"
check "gone for all" not grep -q "$(printer_port other)" <(sp fallback list)
check "but administers nothing" refused lab-names outage start
check "who may administer announces an outage" may lab-rules outage start --message moving
check "and ends it" may lab-rules outage stop
check "and reads the audit" as lab-rules busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.stillprint /org/stillprint \
	org.stillprint.Manager1 Audit u 0
check "but sees no jobs" refused lab-rules jobs --users
check "who is not named may nothing" every_refusal daemon
check "a job that is not there reads the same" same "$(may daemon why 1; sed s/1/N/ "$LAB/said")" "$(may daemon why 9; sed s/9/N/ "$LAB/said")"
check "who could with a password, and gives none, may not" refused mail jobs --users
check "and reads that it takes one" says "sudo"

# ---- in somebody else's name
lab_spawn_as lab-rules friend dbus-monitor --address "$DBUS_SYSTEM_BUS_ADDRESS" "type='signal',sender='org.example.none'"
friend_name()
{
	local n
	for n in $(lab_bus_call org.freedesktop.DBus / org.freedesktop.DBus ListNames | grep -oE ':1\.[0-9]+'); do
		lab_bus_call org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixUser s "$n" 2>/dev/null |
			grep -q "\[$(id -u lab-rules)\]" && echo "$n" && return
	done
	return 1
}
wait_for 10 friend_name || die "nobody to pretend to be"
install -m 755 "$LAB_TOP/tests/tools/forge-sender.py" "$LAB/bin/forge-sender"
check "he himself would be answered" same "$(as lab-rules forge-sender "$LAB/system.bus" "$(friend_name)")" answered
check "a call that says it is his is not" same "$(as daemon forge-sender "$LAB/system.bus" "$(friend_name)")" \
	org.freedesktop.DBus.Error.AccessDenied

# ---- stopped in the middle
kill -STOP "$(pgrep -P "$(lab_pid polkitd)" -x polkitd || lab_pid polkitd)" || die "no polkitd to stop"
may lab-sees jobs --users &
asking=$!
check "while polkitd hangs, own calls are answered" sp status
check "own jobs are told" sp why 1
wait $asking
check "who asks for more is refused, although the rules allow it" same $? 5
check "and hears why" says "does not answer"
kill -CONT "$(pgrep -P "$(lab_pid polkitd)" -x polkitd || lab_pid polkitd)"
check "afterwards it is allowed again" wait_for 10 may lab-sees jobs --users

# ---- released by another
check "who may release, does" may lab-acts release 1 --printer "$(printer_uri mfp)" --at-printer
check "it prints, once" wait_for 20 has_prints mfp 1
check "the audit names him" wait_for 10 grep -q "user:lab-acts" <(lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 Audit u 1)
pk_stop
check "polkit gone, root's alone again" refused lab-sees jobs --users
plan_done
