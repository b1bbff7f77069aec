#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# t0400-agent - the agent with a real notification daemon (dunst) under Xvfb, on a private session and system bus, with
# the daemon's bus over a fake engine. As root, since daemon, user and stranger are three uids.
# shellcheck disable=SC2086,SC2317 # $as_user is several words; functions are called through wait_for
# usage: tests/system/t0400-agent.sh [FOLDER OF WHAT WAS BUILT]    STILLPRINT_SHOT=FILE: also takes a picture of the questions
out=${1:-${STILLPRINT_OUT:-build}}
user=nobody stranger=daemon
n=0

skip() {
	echo "ok 1 - agent # SKIP $1"
	echo "1..1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root: several uids are the point"
for tool in dunst dunstctl Xvfb dbus-daemon dbus-monitor dbus-send setpriv gdbus; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
for built in bin/stillprint-agent tools/fake-engine; do
	[ -x "$out/$built" ] || skip "$built is not built"
done

dir=$(mktemp -d /tmp/t0400-XXXXXX) || exit 1
chmod 755 "$dir"
mkdir -m 700 "$dir/home"
chown $user "$dir/home"
system_pid='' session_pid='' engine_pid='' agent_pid='' dunst_pid='' xvfb_pid='' monitor_pid=''
end() { # PID: ends it and waits, quietly
	[ -n "$1" ] && kill "$1" 2>/dev/null && wait "$1" 2>/dev/null
}
finish() {
	exec 3>&- 4<&-
	end "$agent_pid"; end "$dunst_pid"; end "$monitor_pid"; end "$engine_pid"
	end "$session_pid"; end "$system_pid"; end "$xvfb_pid"
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

DBUS_SYSTEM_BUS_ADDRESS=unix:path=$dir/system
DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/home/session
XDG_RUNTIME_DIR=$dir/home HOME=$dir/home NO_AT_BRIDGE=1
export DBUS_SYSTEM_BUS_ADDRESS DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR HOME NO_AT_BRIDGE
as_user="setpriv --reuid $user --regid nogroup --clear-groups"

# ---- the parts ----
wait_for() { # CONDITION...: up to ten seconds
	i=0
	while ! "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.1
	done
}
start_system_bus() {
	rm -f "$dir/system"
	dbus-daemon --config-file="$dir/system.conf" --nofork --nopidfile --nosyslog 2>>"$dir/log" &
	system_pid=$!
	wait_for test -S "$dir/system"
}
start_engine() {
	rm -f "$dir/in" "$dir/out"
	mkfifo "$dir/in" "$dir/out"
	"$out/tools/fake-engine" $user $stranger <"$dir/in" >"$dir/out" 2>>"$dir/log" &
	engine_pid=$!
	exec 3>"$dir/in" 4<"$dir/out"
	read -r line <&4 && [ "$line" = ready ]
}
stop_engine() {
	end $engine_pid
	engine_pid=''
	exec 3>&- 4<&-
}
engine() { # COMMAND: tells the fake engine; its answer on stdout
	echo "$*" >&3
	read -r line <&4
	echo "$line"
}
start_dunst() {
	$as_user dunst -conf "$dir/dunstrc" >>"$dir/log" 2>&1 &
	dunst_pid=$!
	wait_for $as_user dunstctl count displayed
}
start_agent() {
	$as_user "$out/bin/stillprint-agent" 2>>"$dir/agent.log" &
	agent_pid=$!
}
sed 's/user="stillprint"/user="lp"/' dbus/daemon/org.stillprint.conf >"$dir/policy.conf"
sed -e "s|@ADDRESS@|$DBUS_SYSTEM_BUS_ADDRESS|" -e "s|@POLICY@|$dir/policy.conf|" \
	tests/tools/private-bus.conf.in >"$dir/system.conf"
cat >"$dir/session.conf" <<END
<busconfig>
  <type>session</type>
  <listen>$DBUS_SESSION_BUS_ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
# dunst asks its menu program which action the user means: here a script that answers what the test wrote down.
cat >"$dir/menu" <<'END'
#!/bin/sh
tee "$(dirname "$0")/home/menu.seen" | grep -F -- "$(cat "$(dirname "$0")/choice")"
END
cat >"$dir/dunstrc" <<END
[global]
    width = 420
    height = 300
    origin = top-right
    offset = 20x20
    notification_limit = 20
    markup = full
    font = Sans 11
    dmenu = $dir/menu
    frame_width = 2
    padding = 12
    horizontal_padding = 12
    word_wrap = true
    separator_height = 2
    icon_path = ""
END
chmod 755 "$dir/menu"
display=90
while [ -e /tmp/.X11-unix/X$display ]; do display=$((display + 1)); done
DISPLAY=:$display
export DISPLAY
Xvfb $DISPLAY -ac -screen 0 1000x700x24 -nolisten tcp >>"$dir/log" 2>&1 &
xvfb_pid=$!
wait_for test -e /tmp/.X11-unix/X$display
$as_user dbus-daemon --config-file="$dir/session.conf" --nofork --nopidfile --nosyslog 2>>"$dir/log" &
session_pid=$!
wait_for test -S "$dir/home/session"
$as_user dbus-monitor "interface='org.freedesktop.Notifications'" >"$dir/wire" 2>/dev/null &
monitor_pid=$!

# ---- TAP ----
check() { # NAME COMMAND...
	n=$((n + 1))
	name=$1
	shift
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$dir/agent.log" | tail -n 5
	fi
}
displayed() { $as_user dunstctl count displayed; }
shows() { # N: so many notifications are on the screen, now or soon
	wanted=$1
	is_so() { [ "$(displayed)" = "$wanted" ]; }
	wait_for is_so
}
on_wire() { wait_for grep -qF -- "$1" "$dir/wire"; }
not_on_wire() { ! grep -qF -- "$1" "$dir/wire"; }
can_ask() { [ "$(engine can-ask $user)" = yes ]; }
agent_logged() { wait_for grep -qF "$1" "$dir/agent.log"; }
choose() { # PART OF A LABEL: the user opens the menu of the newest notification and picks
	echo "$1" >"$dir/choice"
	$as_user dunstctl context
}
asked_last() {
	wanted=$1
	was_asked() { [ "$(engine last)" = "$wanted" ]; }
	wait_for was_asked
}

# ---- the story ----
check "help is shown" sh -c "'$out/bin/stillprint-agent' --help | grep -q usage"
check "version is shown" sh -c "'$out/bin/stillprint-agent' --version | grep -q '^stillprint-agent [0-9]'"
check "unknown options are refused" sh -c "! '$out/bin/stillprint-agent' --no-such 2>/dev/null"

start_system_bus && start_engine
start_agent
check "agent subscribes as one that can ask" wait_for can_ask
check "absence of a notification daemon is a line in the log" agent_logged event=no-notification-daemon
start_dunst
check "a question asked before log-in is shown when there is somewhere to show it" shows 1
check "it says what waits" on_wire 'string "Job 1 waits: Report'
check "another user's job is not shown" not_on_wire "secret.pdf"

engine notice 1 >/dev/null
check "a notice is shown" on_wire 'string "Office does not answer"'
check "it takes the place of the older one about the same job" shows 1
check "text is not taken for markup" on_wire '&lt;b&gt;2026&lt;/b&gt; &amp; more.pdf'
check "its buttons are the job's actions" on_wire 'string "release:ipps://attic.example/ipp/print"'

choose "Print at Attic"
check "the user's choice reaches the daemon" \
	asked_last "act 1 release:ipps://attic.example/ipp/print by=user:$user"
check "an error is shown" on_wire "does not answer; choose another printer"
check "with the question, so that he can choose again" shows 1
if [ -n "$STILLPRINT_SHOT" ]; then
	engine tell $user 'Two documents went to Hall meanwhile.' >/dev/null
	shows 2
	sleep 0.5
	import -window root "$STILLPRINT_SHOT"
	exit
fi
choose "Print at Hall"
check "the second choice too" asked_last "act 1 release:ipp://hall.example/ipp/print by=user:$user"
check "and the question is gone" shows 0

engine add 21 $user >/dev/null
engine notice 21 >/dev/null
shows 1
engine remove 21 >/dev/null
check "a question that is over elsewhere is taken away" shows 0

engine tell $user 'All documents are printed.' >/dev/null
check "news without a question are shown" on_wire 'string "All documents are printed."'
$as_user dunstctl close-all
shows 0

engine add 23 $user >/dev/null
engine news 23 >/dev/null
shows 1
engine remove 23 >/dev/null
sleep 0.3
check "news about a job stay when the job is over" shows 1
check "and are not urgent" sh -c "tail -n 30 '$dir/wire' | grep -q 'variant *byte 1'"
$as_user dunstctl close-all
shows 0

check "a second agent leaves at once" timeout 5 $as_user "$out/bin/stillprint-agent" 2>/dev/null
check "and the first goes on" can_ask

# A stranger sends what looks like a notice straight to the agent's connection.
address=$(for c in $(dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames |
	sed -n 's/.*"\(:[0-9.]*\)"/\1/p'); do
	dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
		org.freedesktop.DBus.GetConnectionUnixProcessID string:"$c" 2>/dev/null |
		grep -q "uint32 $agent_pid$" && echo "$c"
done)
setpriv --reuid $stranger --clear-groups gdbus emit --address "$DBUS_SYSTEM_BUS_ADDRESS" --dest "$address" \
	--object-path /org/stillprint --signal org.stillprint.Manager1.Notice \
	'uint32 99' 'objectpath "/org/stillprint/jobs/1"' "'x'" "'False notice'" "'click here'" \
	'@a(ss) []' 2>>"$dir/log"
engine tell $user 'After the false one.' >/dev/null
check "the agent's address is known to the test" test -n "$address"
check "a stranger's notice is not shown" on_wire 'string "After the false one."'
check "though it came first" not_on_wire "False notice"
$as_user dunstctl close-all

engine add 22 $user >/dev/null
engine notice 22 >/dev/null
shows 1
end $dunst_pid
start_dunst
check "a question is put again to a new notification daemon" shows 1

stop_engine
start_engine
check "agent subscribes again when the daemon is back" wait_for can_ask
check "a question about a job that is gone is taken away, one that waits is shown" shows 1

stop_engine
end $system_pid
start_system_bus && start_engine
check "agent subscribes again when the system bus is back" wait_for can_ask

engine flood 5 $user >/dev/null
stop_engine
start_engine
engine add 31 $user >/dev/null
engine add 32 $user >/dev/null
end $agent_pid
start_agent
wait_for can_ask
shows 3
end "$agent_pid"
check "an agent that ends takes its notes with it" shows 0
for job in 33 34 35; do engine add $job $user >/dev/null; done
start_agent
check "of many jobs that wait, three are asked about and one note tells the rest" \
	on_wire '3 more print jobs wait'
check "which makes four notes" shows 4
$as_user dbus-send --system --print-reply --dest=org.stillprint /org/stillprint/jobs/1 \
	org.stillprint.Job1.Cancel >/dev/null 2>>"$dir/log"
$as_user dbus-send --system --print-reply --dest=org.stillprint /org/stillprint/jobs/31 \
	org.stillprint.Job1.Cancel >/dev/null 2>>"$dir/log"
check "a question of the agent's own goes when the job is dealt with elsewhere" shows 2
check "agent ends well" sh -c "kill $agent_pid"
wait $agent_pid
check "with status 0" test $? = 0
agent_pid=''
check "and leaves nothing on the screen" shows 0
echo "1..$n"
