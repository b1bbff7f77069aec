# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# lib.sh - private parts for system tests: buses, cupsd, printers, relays, sessions, networks.  See README.md here.
# Nothing here touches the machine's own cupsd, port 631 or system bus.  Everything lives below $LAB and ends with us.
set -u

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_TOP=$(cd "$LAB_HERE/../.." && pwd)
LAB_OUT=${STILLPRINT_OUT:-$LAB_TOP/build}
LAB_TOOLS=$LAB_OUT/tools
LAB_USER=${LAB_USER:-nobody} # who prints, unless a test says otherwise
LAB_SERVERBIN=${cups_serverbin:-$(cups-config --serverbin 2>/dev/null || echo /usr/lib/cups)}
LAB_DATADIR=${cups_datadir:-$(cups-config --datadir 2>/dev/null || echo /usr/share/cups)}
LAB=''
lab_run=0 lab_failed=0 lab_planned='' lab_users=()

# ---------------------------------------------------------------- TAP

note() { printf '# %s\n' "$@"; }
ok() { printf 'ok %d - %s\n' $((++lab_run)) "$1"; }
not_ok() { lab_failed=$((lab_failed + 1)) && printf 'not ok %d - %s\n' $((++lab_run)) "$1"; }
skip() { printf 'ok %d - %s # SKIP %s\n' $((++lab_run)) "$1" "$2"; }

# check SENTENCE COMMAND... - the sentence is true if the command succeeds; what it printed is shown if not
check()
{
	local sentence=$1 said rc
	shift
	lab_said=$LAB/.said
	"$@" >"$lab_said" 2>&1
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$sentence"
		return 0
	fi
	not_ok "$sentence"
	said=$(head -c 4000 "$lab_said" | head -n 20)
	note "exit $rc: $*"
	[ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/#   /'
	return 1
}

# not COMMAND... - succeed if the command fails; for check
not() { ! "$@"; }

# same GOT WANTED - for check: the two strings are equal, and both are shown if not
same()
{
	[ "$1" = "$2" ] || { printf 'got:    %s\nwanted: %s\n' "$1" "$2" && return 1; }
}

# skip_all REASON - nothing in this test can run here
skip_all()
{
	lab_planned=1
	printf 'ok 1 - %s # SKIP %s\n1..1\n' "$(basename "$0" .sh)" "$1"
	exit 0
}

# plan_done - the last line of each test
plan_done()
{
	lab_planned=1
	echo "1..$lab_run"
	[ "$lab_failed" -eq 0 ]
	exit
}

# die MESSAGE - the lab itself does not work; the missing plan makes run-tests count a failure
die()
{
	note "lab: $*"
	exit 99
}

need_root() { [ "$(id -u)" -eq 0 ] || skip_all "needs root: lp, stillprint and a user are three real uids"; }

# need PROGRAM... - skip the whole test where a program is missing
need()
{
	local p
	for p in "$@"; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$p" >/dev/null || skip_all "needs $p"
	done
}

# ---------------------------------------------------------------- time

now_ms() { local t=${EPOCHREALTIME/[.,]/} && echo $((t / 1000)); }
nap() { sleep "${1:-0.03}"; } # not `read -t`: bash crashes when a trap exits in the middle of one

# wait_for SECONDS COMMAND... - run the command every 30 ms until it succeeds; fail at the deadline
wait_for()
{
	local t=${EPOCHREALTIME/[.,]/} end
	end=$((t + $1 * 1000000))
	shift
	until "$@" >"$LAB/.wait" 2>&1; do
		t=${EPOCHREALTIME/[.,]/}
		[ "$t" -lt $end ] || { echo "waited in vain for: $*" && cat "$LAB/.wait" && return 1; }
		nap
	done
}

# ---------------------------------------------------------------- processes

# lab_spawn NAME COMMAND... - start in the background; its pid in $LAB/pid/NAME, its output in $LAB/log/NAME.log
lab_spawn()
{
	local name=$1
	shift
	setsid "$@" >>"$LAB/log/$name.log" 2>&1 </dev/null &
	echo $! >"$LAB/pid/$name"
	disown
}

lab_pid() { cat "$LAB/pid/$1"; }
pid_alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }
pid_gone() { ! pid_alive "$1"; }
lab_alive() { [ -s "$LAB/pid/$1" ] && pid_alive "$(lab_pid "$1")"; }

# lab_end NAME [SIGNAL] - signal it and wait until it is gone
lab_end()
{
	local pid
	[ -s "$LAB/pid/$1" ] || return 0
	pid=$(lab_pid "$1")
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait_for 10 pid_gone "$pid" || kill -9 "$pid" 2>/dev/null
	rm -f "$LAB/pid/$1"
}

# lab_pids_with NAME=VALUE - processes whose environment holds just that: how we know what we (and our cupsd) started
lab_pids_with()
{
	env -i PATH="$PATH" grep -lazxF -- "$1" /proc/[0-9]*/environ 2>/dev/null | sed 's,/proc/\([0-9]*\)/.*,\1,'
}

# lab_kill_with NAME=VALUE - kill -9 all of them, again until none is left
lab_kill_with()
{
	local pids i
	for ((i = 0; i < 50; i++)); do
		pids=$(lab_pids_with "$1")
		[ -n "$pids" ] || return 0
		# shellcheck disable=SC2086
		kill -9 $pids 2>/dev/null
		nap 0.01
	done
}

# lab_as_argv USER - sets lab_as: the words before a command that make it run as the user
lab_as_argv()
{
	local home=$LAB/home/$1
	[ -d "$home" ] || install -d -o "$1" -m 700 "$home"
	lab_as=(setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups
		env HOME="$home" USER="$1" LOGNAME="$1" XDG_RUNTIME_DIR="$home")
}

# as USER COMMAND... - with the user's uid and groups only, and a home of its own below $LAB
as()
{
	local lab_as
	lab_as_argv "$1"
	"${lab_as[@]}" "${@:2}"
}

# lab_spawn_as USER NAME COMMAND... - lab_spawn as the user
lab_spawn_as()
{
	local lab_as
	lab_as_argv "$1"
	lab_spawn "$2" "${lab_as[@]}" "${@:3}"
}

# lab_user NAME [PASSWORD] - make a user for this test; it is removed at the end
lab_user()
{
	id "$1" >/dev/null 2>&1 && [ $# -lt 2 ] && return 0
	id "$1" >/dev/null 2>&1 && die "user $1 exists: a test does not change its password"
	useradd --system --no-create-home --shell /usr/sbin/nologin "$1" || die "cannot make user $1"
	lab_users+=("$1")
	[ $# -lt 2 ] || printf '%s:%s\n' "$1" "$2" | chpasswd
}

# ---------------------------------------------------------------- the lab

# lab_start - the folder $LAB and a private system bus with the stock policy; first call of each test
lab_start()
{
	need_root
	need dbus-daemon setpriv
	LAB=$(mktemp -d /tmp/stillprint-lab.XXXXXX) || exit 99
	trap lab_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	chmod 755 "$LAB"
	mkdir -p "$LAB"/{pid,log,bus.d,home,etc,state,spool,run}
	export STILLPRINT_LAB=$LAB HOME=$LAB/home CUPS_SERVERROOT=$LAB/home/cups
	export STILLPRINT_CONF=$LAB/etc/stillprint.conf STILLPRINT_STATE=$LAB/state STILLPRINT_SPOOL=$LAB/spool STILLPRINT_RUN=$LAB/run
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$LAB/system.bus LC_ALL=C.UTF-8
	unset CUPS_SERVER CUPS_USER IPP_PORT DISPLAY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR
	mkdir -p "$CUPS_SERVERROOT"
	lab_service_user
	lab_installed
	lab_bus
}

# lab_service_user - the daemon's own user, as a package makes it; it stays, since tests run side by side
lab_service_user()
{
	id stillprint >/dev/null 2>&1 ||
		useradd --system --user-group --no-create-home --shell /usr/sbin/nologin stillprint || die "no user stillprint"
}

lab_cleanup()
{
	local rc=$? user
	trap '' INT TERM HUP
	trap - EXIT
	if [ "$lab_failed" -ne 0 ] || [ -z "$lab_planned" ]; then lab_tails; fi
	lab_kill_with "STILLPRINT_LAB=$LAB"
	for user in "${lab_users[@]}"; do userdel "$user" 2>/dev/null; done
	if [ -n "${KEEP:-}" ]; then note "kept: $LAB"; else rm -rf "$LAB"; fi
	exit "$rc"
}

# lab_tails - the ends of all logs, without cupsd's chatter
lab_tails()
{
	local log
	for log in "$LAB"/log/* "$LAB"/*/log/error_log; do
		[ -s "$log" ] || continue
		note "---- ${log#"$LAB"/}"
		grep -av '^[dD].*\(cupsdSetBusyState\|\[Client\|cupsdMarkDirty\|Report: \|cups_\)' "$log" |
			tail -n 8 | cut -c 1-200 | sed 's/^/# /'
	done
}

# lab_installed - where our programs are: with STILLPRINT_DESTDIR below that (made once per run), else the build tree
lab_installed()
{
	local f d
	LAB_DESTDIR=${STILLPRINT_DESTDIR:-}
	if [ -n "$LAB_DESTDIR" ] && [ ! -e "$LAB_DESTDIR/.complete" ]; then
		mkdir -p "$LAB_DESTDIR"
		(
			flock 9
			[ -e "$LAB_DESTDIR/.complete" ] ||
				{ make -s -C "$LAB_TOP" install DESTDIR="$LAB_DESTDIR" && touch "$LAB_DESTDIR/.complete"; }
		) 9>"$LAB_DESTDIR.lock" || die "make install failed"
	fi
	if [ -n "$LAB_DESTDIR" ]; then
		LAB_BACKEND=$LAB_DESTDIR$LAB_SERVERBIN/backend/stillprint
		LAB_FILTER=$LAB_DESTDIR$LAB_SERVERBIN/filter/stillprint-ticket
		LAB_MIME=$LAB_DESTDIR$LAB_DATADIR/mime
		LAB_PPD=$(find "$LAB_DESTDIR" -name stillprint-queue.ppd | head -n 1)
		LAB_BUS_POLICY=$(find "$LAB_DESTDIR" -name org.stillprint.conf | head -n 1)
	else
		LAB_BACKEND=$LAB_OUT/backend/stillprint
		LAB_FILTER=$LAB_OUT/bin/stillprint-ticket
		LAB_MIME=$LAB_TOP/filter
		LAB_PPD=$LAB_OUT/ppd/stillprint-queue.ppd
		LAB_BUS_POLICY=$(find "$LAB_TOP/dbus" -name org.stillprint.conf 2>/dev/null | head -n 1)
	fi
	# Copies, since other users may be unable to reach the build tree; and so a rebuild cannot change a running test.
	rm -rf "${LAB:?}/bin" && mkdir "$LAB/bin"
	for f in stillprintd stillprint stillprint-agent stillprint-server; do
		for d in "$LAB_DESTDIR"/usr/{sbin,bin,libexec,lib/stillprint} "$LAB_OUT/bin"; do
			[ -n "$LAB_DESTDIR" ] || d=$LAB_OUT/bin
			[ ! -x "$d/$f" ] || { install -m 755 "$d/$f" "$LAB/bin/" && break; }
		done
	done
	LAB_DAEMON=$LAB/bin/stillprintd
	PATH=$LAB/bin:$PATH:/usr/sbin:/sbin
}

# lab_tool NAME... - make sure that the tests' own programs are built
lab_tool()
{
	local t
	for t in "$@"; do
		[ -x "$LAB_TOOLS/$t" ] || make -s -C "$LAB_TOP" OUT="$LAB_OUT" "$LAB_TOOLS/$t" >&2 || die "cannot build $t"
	done
}

# free_port - a TCP port that nobody listens on and that this test has not been given yet
free_port()
{
	local port
	while :; do
		port=$((20000 + SRANDOM % 12000))
		grep -qsx "$port" "$LAB/ports" && continue
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
		echo "$port" >>"$LAB/ports"
		echo "$port"
		return
	done
}

lab_ready_or_dead() { port_open "$2" || ! lab_alive "$1"; }
port_open() { (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; }

# lab_bus - a system bus with the rules of the stock one (own and call nothing unless a policy file allows it)
lab_bus()
{
	cat >"$LAB/system-bus.conf" <<-EOF
		<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
		 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
		<busconfig>
		<type>system</type>
		<listen>unix:path=$LAB/system.bus</listen>
		<auth>EXTERNAL</auth>
		<policy context="default">
		<allow user="*"/>
		<deny own="*"/>
		<deny send_type="method_call"/>
		<allow send_type="signal"/>
		<allow send_requested_reply="true" send_type="method_return"/>
		<allow send_requested_reply="true" send_type="error"/>
		<allow receive_type="method_call"/>
		<allow receive_type="method_return"/>
		<allow receive_type="error"/>
		<allow receive_type="signal"/>
		<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
		<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
		<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
		<deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus" send_member="UpdateActivationEnvironment"/>
		<deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"/>
		</policy>
		<policy user="root">
		<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
		</policy>
		<includedir>$LAB/bus.d</includedir>
		</busconfig>
	EOF
	[ ! -s "${LAB_BUS_POLICY:-}" ] || cp "$LAB_BUS_POLICY" "$LAB/bus.d/"
	lab_spawn system-bus dbus-daemon --config-file="$LAB/system-bus.conf" --nofork --nopidfile
	wait_for 5 test -S "$LAB/system.bus" || die "no system bus"
}

# lab_bus_policy FILE... - add policy files to the system bus, effective at once
lab_bus_policy()
{
	cp "$@" "$LAB/bus.d/" && lab_bus_call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
}

# lab_bus_call DEST PATH INTERFACE METHOD [SIGNATURE ARG...] - call on the system bus, reply as JSON
lab_bus_call() { busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" --json=short call "$@"; }
lab_bus_has() { lab_bus_call org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s "$1" | grep -q true; }

# ---------------------------------------------------------------- cupsd

# lab_cupsd NAME [CUPSD.CONF LINES] - a private cupsd as root, filters and backends as lp; returns when it answers
# LAB_DIRTY_CLEAN sets DirtyCleanInterval (0: what cupsd knows is on disk at once; stock is 30)
lab_cupsd()
{
	local r=$LAB/$1 d f group
	mkdir -p "$r"/{etc/ppd,etc/ssl,log,cache,state,share/mime,spool/tmp} "$r"/bin/{backend,filter,daemon,monitor,notifier,driver}
	for d in filter daemon monitor notifier driver; do
		for f in "$LAB_SERVERBIN/$d"/*; do [ ! -e "$f" ] || ln -s "$f" "$r/bin/$d/"; done
	done
	for f in ipp ipps socket; do ln -s "$LAB_SERVERBIN/backend/$f" "$r/bin/backend/"; done
	for f in "$LAB_DATADIR"/*; do [ "$f" = "$LAB_DATADIR/mime" ] || ln -s "$f" "$r/share/"; done
	ln -s "$LAB_DATADIR"/mime/* "$r/share/mime/"
	lab_cupsd_ours "$1"
	chown -R root:lp "$r/spool" "$r/cache" "$r/etc" "$r/state"
	chmod 710 "$r/spool" && chmod 1770 "$r/spool/tmp" && chmod 770 "$r/cache"
	free_port >"$r/port"
	group=$(for f in root sys lpadmin; do getent group $f; done | cut -d: -f1 | tr '\n' ' ')
	cat >"$r/etc/cupsd.conf" <<-EOF
		LogLevel debug
		MaxLogSize 0
		PageLogFormat %p %u %j %T %P %C %{job-billing} %{job-originating-host-name} %{job-name} %{media} %{sides}
		Listen 127.0.0.1:$(<"$r/port")
		Listen $r/state/cups.sock
		ErrorPolicy retry-job
		Browsing Off
		DefaultAuthType Basic
		WebInterface No
		JobRetryInterval 1
		DirtyCleanInterval ${LAB_DIRTY_CLEAN:-0}
		<Location />
		  Order allow,deny
		  Allow all
		</Location>
		$(printf '%s\n' "${@:2}")
	EOF
	cat "$LAB_HERE/policies.conf" >>"$r/etc/cupsd.conf"
	cat >"$r/etc/cups-files.conf" <<-EOF
		User lp
		Group lp
		SystemGroup $group
		FileDevice Yes
		Printcap
		ServerRoot $r/etc
		ServerBin $r/bin
		ServerKeychain $r/etc/ssl
		DataDir $r/share
		CacheDir $r/cache
		StateDir $r/state
		RequestRoot $r/spool
		DocumentRoot /usr/share/cups/doc-root
		AccessLog $r/log/access_log
		ErrorLog $r/log/error_log
		PageLog $r/log/page_log
		PassEnv ASAN_OPTIONS
		PassEnv UBSAN_OPTIONS
		SetEnv STILLPRINT_LAB $LAB
		SetEnv LAB_CUPSD $r.
		SetEnv STILLPRINT_CONF $STILLPRINT_CONF
		SetEnv STILLPRINT_STATE $STILLPRINT_STATE
		SetEnv STILLPRINT_SPOOL $STILLPRINT_SPOOL
		SetEnv STILLPRINT_RUN $STILLPRINT_RUN
		SetEnv DBUS_SYSTEM_BUS_ADDRESS $DBUS_SYSTEM_BUS_ADDRESS
	EOF
	lab_cupsd_up "$1"
}

# lab_cupsd_ours NAME - put our filter, backend and types into its ServerBin, as far as they are built
lab_cupsd_ours()
{
	local r=$LAB/$1 f
	[ ! -x "$LAB_BACKEND" ] || install -m 755 "$LAB_BACKEND" "$r/bin/backend/stillprint"
	[ ! -x "$LAB_FILTER" ] || install -m 755 "$LAB_FILTER" "$r/bin/filter/stillprint-ticket"
	for f in "$LAB_MIME"/stillprint*.types "$LAB_MIME"/stillprint*.convs; do
		[ ! -e "$f" ] || install -m 644 "$f" "$r/share/mime/"
	done
}

lab_cupsd_up()
{
	local r=$LAB/$1
	LAB_CUPSD=$r. lab_spawn "$1" cupsd -f -c "$r/etc/cupsd.conf" -s "$r/etc/cups-files.conf"
	wait_for 10 lab_cupsd_answers "$1" || die "cupsd $1 does not start"
}

lab_cupsd_answers() { [ -S "$(cups_socket "$1")" ] && lpstat -h "$(cups_socket "$1")" -r | grep -q 'is running'; }
cups_socket() { echo "$LAB/$1/state/cups.sock"; }
cups_port() { cat "$LAB/$1/port"; }
cups_uri() { echo "${3:-ipp}://localhost:$(cups_port "$1")/printers/$2"; } # CUPSD QUEUE [SCHEME]

lab_cupsd_stop() { lab_end "$1"; }
lab_cupsd_start() { lab_cupsd_up "$1"; }
lab_cupsd_restart() { lab_cupsd_stop "$1" && lab_cupsd_up "$1"; }
lab_cupsd_pids() { lab_pids_with "LAB_CUPSD=$LAB/$1."; } # it and its filters and backends, also orphans
lab_cupsd_kill9() { lab_end "$1" KILL; }                                      # its filters and backends live on
lab_cupsd_crash() { lab_end "$1" KILL && lab_kill_with "LAB_CUPSD=$LAB/$1."; } # power cut: all of it at once

# lab_queue CUPSD QUEUE URI [everywhere | ppd FILE | raw] [LPADMIN OPTIONS] - a queue that takes jobs
lab_queue()
{
	local cupsd=$1 queue=$2 uri=$3 how=${4:-everywhere} model
	shift $(($# < 4 ? $# : 4))
	case $how in
	ppd) model=(-P "$1") && shift ;;
	*) model=(-m "$how") ;;
	esac
	lpadmin -h "$(cups_socket "$cupsd")" -p "$queue" -v "$uri" "${model[@]}" "$@" -E 2>"$LAB/log/lpadmin.log" ||
		{ cat "$LAB/log/lpadmin.log" && return 1; }
	# cupsd makes the PPD of an everywhere queue in the background; a job in between would find none.
	[ "$how" != everywhere ] || wait_for 10 lab_queue_ready "$cupsd" "$queue"
}

lab_queue_ready() { [ -s "$LAB/$1/etc/ppd/$2.ppd" ] && lab_cups "$1" lpstat -a "$2" | grep -q "^$2 accepting"; }

# lab_lp CUPSD LP-ARGUMENTS... - print as $LAB_USER through the cupsd's socket; prints lp's request id
lab_lp()
{
	local cupsd=$1
	shift
	as "$LAB_USER" lp -h "$(cups_socket "$cupsd")" "$@" | sed -n 's/^request id is \([^ ]*\).*/\1/p'
	return "${PIPESTATUS[0]}"
}

# lab_cups CUPSD PROGRAM ARG... - lpstat, lpadmin, cancel, lpoptions… as root against that cupsd
lab_cups() { "$2" -h "$(cups_socket "$1")" "${@:3}"; }

# job_done CUPSD REQUEST-ID - cupsd has finished it, one way or the other
job_done() { lab_cups "$1" lpstat -W completed -o | grep -q "^$2 "; }

# job_attr CUPSD REQUEST-ID ATTRIBUTE - one attribute of a job as root sees it
job_attr()
{
	ipptool -tv -d job="${2##*-}" "ipp://localhost:$(cups_port "$1")/" "$LAB_HERE/get-job.test" |
		sed -n "s/^ *$3 ([^)]*) = //p"
}

# ---------------------------------------------------------------- printers

# lab_printer NAME [--raster] [--rich] [--attrs FILE] [-- IPPEVEPRINTER OPTIONS] - a fake MFP on a port of its own
# Prints are recorded by mfp-command.sh in $LAB/NAME.  It speaks ipp and ipps on the same port.
# --rich: A3, trays, stapling, punching (mfp.attrs); such an ippeveprinter tells document-format-supported twice, ours first.
lab_printer()
{
	local name=$1 d=$LAB/$1 formats=application/pdf,image/pwg-raster,image/urf,image/jpeg attrs='' opts=()
	shift
	need ippeveprinter pdfinfo
	while [ $# -gt 0 ]; do
		case $1 in
		--raster) formats=image/pwg-raster ;;
		--rich) attrs=$LAB_HERE/mfp.attrs ;;
		--attrs) attrs=$2 && shift ;;
		--) shift && opts+=("$@") && break ;;
		*) die "lab_printer: what is $1?" ;;
		esac
		shift
	done
	mkdir -p "$d"/{spool,ssl}
	touch "$d/prints" "$d/started"
	free_port >"$d/port"
	if [ -n "$attrs" ]; then
		sed "s|@FORMATS@|$formats|" "$attrs" >"$d/attrs"
		opts+=(-a "$d/attrs")
	else
		opts+=(-2 -s '60,60' -f "$formats")
	fi
	printf '%s\0' ippeveprinter -r off -p "$(<"$d/port")" -n localhost -vvv -K "$d/ssl" -d "$d/spool" \
		-c "$LAB_HERE/mfp-command.sh" "${opts[@]}" "Lab $name" >"$d/argv"
	lab_printer_start "$name"
}

lab_printer_start()
{
	local d=$LAB/$1 argv
	mapfile -d '' argv <"$d/argv"
	MFP_DIR=$d lab_spawn "$1" "${argv[@]}"
	wait_for 10 lab_ready_or_dead "$1" "$(<"$d/port")"
	lab_alive "$1" || die "printer $1 does not start"
}

lab_printer_stop() { lab_end "$1" && lab_kill_with "MFP_DIR=$LAB/$1"; }
lab_printer_kill9() { lab_end "$1" KILL && lab_kill_with "MFP_DIR=$LAB/$1"; } # what was not out stays unprinted
lab_printer_restart() { lab_printer_stop "$1" && lab_printer_start "$1"; }
printer_port() { cat "$LAB/$1/port"; }
printer_uri() { echo "${2:-ipp}://localhost:$(printer_port "$1")/ipp/print"; } # NAME [SCHEME]

prints() { wc -l <"$LAB/$1/prints"; }                                # how many documents came out of it
prints_of() { awk -v x="$2" '$2 == x || $6 == x { n++ } END { print n + 0 }' "$LAB/$1/prints"; } # NAME SHA256|WORD
has_prints() { [ "$(prints "$1")" -ge "$2" ]; }                      # NAME N, for wait_for
has_started() { [ "$(wc -l <"$LAB/$1/started")" -ge "$2" ]; }        # NAME N: prints begun
print_pages() { awk -v n="$2" '$1 == n { print $3 }' "$LAB/$1/prints"; } # NAME N: pages of the n-th print
ticket() { sed -n "s/^IPP_$3=//p" "$LAB/$1/ticket.$2"; }             # NAME N SIDES: an attribute of the n-th print

# printer_jobs PRINTER-URI - its jobs, as the printer itself tells them (ipptool's output)
printer_jobs() { ipptool -tv "$1" "$LAB_HERE/get-jobs.test"; }

# ---------------------------------------------------------------- relays

# lab_relay NAME HOST:PORT - a relay in front of it; `relay NAME COMMAND` tells it what to do (see tests/tools/relay.c)
lab_relay()
{
	local d=$LAB/$1
	lab_tool relay
	mkdir -p "$d"
	lab_spawn "$1" "$LAB_TOOLS/relay" --listen 127.0.0.1:0 --to "$2" --control "$d/control" --port-file "$d/port" \
		--events "$d/events" ${RELAY_STAMP:+--stamp yes}
	wait_for 5 test -s "$d/port" || die "relay $1 does not start"
}

relay() { "$LAB_TOOLS/relay" --tell "$LAB/$1/control" "${@:2}"; }
relay_port() { cat "$LAB/$1/port"; }
relay_saw() { grep -q -- "$2" "$LAB/$1/events"; }                    # NAME TEXT: such an event has happened
relay_stat() { relay "$1" stats | tr ' ' '\n' | sed -n "s/^$2=//p"; } # NAME client-bytes|server-bytes|connections|open|requests

# ---------------------------------------------------------------- documents

# lab_pdf FILE [MAKE-PDF OPTIONS] - a small PDF with content of its own (see tests/tools/make-pdf.c); prints its SHA-256
# CUPS rewrites a PDF on its way; with `-t WORD` the print is still known by its text: `prints_of mfp WORD`
lab_pdf()
{
	lab_tool make-pdf
	"$LAB_TOOLS/make-pdf" "${@:2}" "$1" && chmod 644 "$1" && sha256sum "$1" | cut -d' ' -f1
}

# ---------------------------------------------------------------- sessions

# shellcheck disable=SC2120
# lab_session [USER] - a desktop for the user: Xvfb, a session bus, dunst.  Sets DISPLAY and DBUS_SESSION_BUS_ADDRESS.
# What passes over the session bus is recorded, so that a test sees actions, hints and answers too.
lab_session()
{
	local d=$LAB/session
	lab_session_user=${1:-$LAB_USER}
	need Xvfb dunst dunstctl busctl jq
	mkdir -p "$d"
	install -m 755 "$LAB_HERE/choose.sh" "$d/choose"
	sed "s|@CHOOSE@|$d/choose|" "$LAB_HERE/dunstrc" >"$d/dunstrc"
	: >"$d/choice"
	chown -R "$lab_session_user" "$d"
	lab_spawn_as "$lab_session_user" xvfb Xvfb -displayfd 1 -screen 0 1024x768x24 -nolisten tcp
	wait_for 10 grep -qxs '[0-9][0-9]*' "$LAB/log/xvfb.log" || die "Xvfb does not start"
	DISPLAY=:$(grep -xm 1 '[0-9][0-9]*' "$LAB/log/xvfb.log")
	export DISPLAY DBUS_SESSION_BUS_ADDRESS=unix:path=$d/bus
	# No service files: or the first question to a notification daemon that is still starting starts another one.
	cat >"$d/bus.conf" <<-EOF
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
	EOF
	lab_spawn_as "$lab_session_user" session-bus dbus-daemon --config-file="$d/bus.conf" --nofork --nopidfile
	wait_for 5 test -S "$d/bus" || die "no session bus"
	lab_spawn_as "$lab_session_user" session-traffic busctl --address="$DBUS_SESSION_BUS_ADDRESS" --json=short monitor
	LAB_CHOICE=$d/choice lab_spawn_as "$lab_session_user" dunst dunst -conf "$d/dunstrc"
	wait_for 10 lab_session_up || die "dunst does not start"
}

# in_session COMMAND... - as the session's user, who alone may talk to that bus
in_session() { as "$lab_session_user" "$@"; }
lab_session_up() { in_session busctl --address="$DBUS_SESSION_BUS_ADDRESS" status org.freedesktop.Notifications >/dev/null 2>&1 && [ -s "$LAB/log/session-traffic.log" ]; }

# notifications - all since the session began, one JSON object a line: app, replaces, summary, body, actions, hints
notifications()
{
	grep -a '^{.*"member":"Notify"' "$LAB/log/session-traffic.log" | jq -c '.payload.data |
		{ app: .[0], replaces: .[1], summary: .[3], body: .[4], actions: .[5], hints: (.[6] | map_values(.data)) }'
}
notified() { notifications | grep -qE -- "$1"; }                     # REGEX: such a notification came
notifications_shown() { in_session dunstctl count displayed; }
notifications_history() { in_session dunstctl history; }             # dunst's own JSON: those that were closed
notifications_close() { in_session dunstctl close-all; }

# notification_choose LABEL - the user picks this action of a shown notification from dunst's menu
notification_choose()
{
	echo "$1" >"$LAB/session/choice"
	in_session dunstctl context
}

# screenshot FILE.png
screenshot()
{
	need import
	in_session import -window root "png:-" >"$1"
}

# ---------------------------------------------------------------- networks

# shellcheck disable=SC2120
# lab_netns - run the rest of the test in a network of its own; call it before lab_start.  There, lo is up and:
# 10.99.0.1 is this host (port closed unless something listens: refused), 10.99.0.2 a host that is down (nobody
# answers ARP), 10.99.0.3 a black hole (packets leave and nothing ever comes back).
lab_netns()
{
	need ip unshare nsenter
	if [ -z "${LAB_NETNS:-}" ]; then
		need_root
		unshare -n true 2>/dev/null || skip_all "may not make a network namespace"
		LAB_NETNS=1 exec unshare -n "$BASH" "$0" "$@"
	fi
	ip link set lo up
	ip link add lab0 type veth peer name lab1 || skip_all "no veth devices here"
	ip addr add 10.99.0.1/24 dev lab0
	ip link set lab0 up && ip link set lab1 up
	net_blackhole 10.99.0.3
}

# net_blackhole ADDRESS, net_heal ADDRESS - packets to that neighbour go to a MAC that nobody owns
net_blackhole() { ip neigh replace "$1" lladdr 02:00:00:00:00:99 dev lab0 nud permanent; }
net_heal() { ip neigh del "$1" dev lab0; }
# net_offline, net_online - this workstation loses its network (loopback stays)
net_offline() { ip link set lab0 down; }
net_online() { ip link set lab0 up; }

# lab_host NAME - a second host behind lab0 with address 10.99.0.10 (on_host and lab_spawn_on run there)
lab_host()
{
	lab_spawn "host-$1" unshare -n sleep infinity
	wait_for 5 lab_host_apart "host-$1" || die "no second namespace"
	ip link set lab1 netns "$(lab_pid "host-$1")"
	on_host "$1" ip link set lo up
	on_host "$1" ip addr add 10.99.0.10/24 dev lab1
	on_host "$1" ip link set lab1 up
}

lab_host_apart() { [ "$(readlink "/proc/$(lab_pid "$1")/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
on_host() { nsenter -t "$(lab_pid "host-$1")" -n "${@:2}"; }
lab_spawn_on() { lab_spawn "$2" nsenter -t "$(lab_pid "host-$1")" -n "${@:3}"; } # HOST NAME COMMAND...

# ---------------------------------------------------------------- stillprintd

# lab_daemon [NAME=VALUE...] - start stillprintd as user stillprint on private folders; wait until it answers
lab_daemon()
{
	[ -x "$LAB_DAEMON" ] || die "no stillprintd at $LAB_DAEMON"
	chown stillprint:stillprint "$LAB/state" "$LAB/run"
	chmod 700 "$LAB/state"
	chown root:stillprint "$LAB/etc" && chmod 750 "$LAB/etc"
	chown stillprint:stillprint "$LAB/spool" && chmod 711 "$LAB/spool"
	install -d -o lp -g stillprint -m 2770 "$LAB/spool/incoming"
	printf '%s\0' "$@" >"$LAB/daemon.env"
	lab_daemon_start
}

lab_daemon_start()
{
	local vars=()
	[ ! -s "$LAB/daemon.env" ] || mapfile -d '' vars <"$LAB/daemon.env"
	[ "${vars[*]}" ] || vars=()
	lab_spawn_as stillprint stillprintd "${vars[@]}" "$LAB_DAEMON"
	wait_for 10 lab_bus_has org.stillprint || die "stillprintd does not answer on the bus"
}

lab_daemon_stop() { lab_end stillprintd; }
lab_daemon_kill9() { lab_end stillprintd KILL; }
lab_daemon_restart() { lab_daemon_stop && lab_daemon_start; }
