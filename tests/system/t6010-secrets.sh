#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6010 - planted passwords and PINs are found nowhere: no log, no /proc, no file, no memory of the verifier, no core dump.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

# found_in COMMAND... - the planted secrets that the command's output has; the patterns stand in no command line
found_in() { "$@" 2>/dev/null | grep -aoFf "$LAB/planted" | sort -u; }
proc_files() { local p; for p in $(lab_pids_with "STILLPRINT_LAB=$LAB"); do cat "/proc/$p/cmdline" "/proc/$p/environ"; done; }
all_files() { find "$LAB/state" "$LAB/run" "$LAB/log" "$LAB/etc" -type f -exec cat {} +; }

# memory_of PID - all of its memory that it may write
memory_of()
{
	python3 - "$1" <<-'EOF'
		import re, sys
		pid = sys.argv[1]
		with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
		    for line in maps:
		        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
		        if m and "[v" not in line:
		            at, end = (int(x, 16) for x in m.groups())
		            if end - at > 1 << 28:
		                continue  # a sanitizer's shadow
		            try:
		                mem.seek(at)
		                sys.stdout.buffer.write(mem.read(end - at))
		            except OSError:
		                pass
	EOF
}

lab_start
need python3
mkdir "$LAB/cores" && chmod 777 "$LAB/cores" && cd "$LAB/cores" && ulimit -c unlimited
printf '%s\n' planted-Right-71 planted-Wrong-72 planted-Offline-73 83746501 planted-Name-74 >"$LAB/planted"
login_start
user=sps$$
lab_user "$user"
login_service full 'auth required MODULE' 'session optional MODULE' 'session required pam_permit.so'
login_account "$user" planted-Right-71 1 1
login_account "$user" 83746501 1 2
pid=$(lab_pid stillprint-verifier)

{
login_as full "$user" planted-Right-71 authenticate open_session
login_as full "$user" planted-Wrong-72 authenticate
login_as full "$user" 83746501 authenticate
login_as full planted-Name-74 x authenticate # the password typed where the name belongs
} >"$LAB/log/pamtester.log" 2>&1
check "the fault was reached: four logins were asked for" wait_for 10 login_logged "user=unknown"
login_server_stop
login_as full "$user" planted-Offline-73 authenticate >>"$LAB/log/pamtester.log" 2>&1
check "and one while the server was away" wait_for 10 login_logged "result=wrong source=cache"
# What is learned is learned after the answer; the verifier is idle when its CPU time stands still.
idle() { local a b; a=$(cut -d' ' -f14,15 "/proc/$pid/stat") && nap 0.3 && b=$(cut -d' ' -f14,15 "/proc/$pid/stat") && [ "$a" = "$b" ]; }
check "the verifier is idle" wait_for 20 idle

check "our search finds what is there" same "$(found_in echo "x planted-Right-71 y")" planted-Right-71
check "no secret in a log, in the state, the configuration or the run folder" same "$(found_in all_files)" ""
check "none in a command line or environment" same "$(found_in proc_files)" ""
memory_of "$pid" >"$LAB/memory"
check "its memory was read" test "$(stat -c %s "$LAB/memory")" -gt 1000000
check "and has the user's name" grep -aq "$user" "$LAB/memory"
# A name may stay there, whatever was typed for one; none of the others may.
check "but no secret" same "$(found_in cat "$LAB/memory" | grep -v Name)" ""
rm -f "$LAB/memory"
check "another user cannot look into it" not as "$user" cat "/proc/$pid/environ"
check "not even its own user can" not as stillprint cat "/proc/$pid/environ"
kill -ABRT "$pid"
check "it died" wait_for 10 pid_gone "$pid"
check "and left no core" same "$(find "$LAB/cores" /tmp -maxdepth 1 -name 'core*' -newer "$LAB/etc/login.conf")" ""

check "key, cache and counters are the service's alone" \
	same "$(cd "$LAB/state/auth" && stat -c '%n %a %U' attempts cache key)" "attempts 600 stillprint
cache 600 stillprint
key 600 stillprint"
plan_done
