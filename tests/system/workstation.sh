# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# workstation.sh - a whole workstation on the lab: cupsd `ws` with a Stillprint queue, stillprintd, and what it needs.
# Source lib.sh first.

# ws_conf QUEUE UPSTREAM [LINES...] - write the configuration; the queue's other keys one a line
ws_conf()
{
	local queue=$1 upstream=$2
	shift 2
	mkdir -p "$LAB/etc/stillprint.conf.d"
	cat >"$LAB/etc/stillprint.conf" <<-EOF
		[stillprint]
		cups-socket = $LAB/ws/state/cups.sock
		probe-idle = ${WS_PROBE_IDLE:-60s}
		probe-lost = ${WS_PROBE_LOST:-1s}
		${WS_GLOBALS:-}
	EOF
	{
		printf '[queue %s]\nupstream = %s\n' "$queue" "$upstream"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$LAB/etc/stillprint.conf.d/$queue.conf"
	chmod 644 "$LAB/etc/stillprint.conf" "$LAB/etc/stillprint.conf.d/$queue.conf"
	chmod 755 "$LAB/etc/stillprint.conf.d"
}

# ws_queue QUEUE - the CUPS queue on `ws`, as `stillprint setup` makes it
ws_queue()
{
	lab_queue ws "$1" "stillprint:$1" ppd "$LAB_PPD" -o printer-error-policy=retry-job \
		-o printer-op-policy=authenticated -o printer-is-shared=false
}

# ws_start QUEUE UPSTREAM [LINES...] - everything: configuration, cupsd, queue, daemon
ws_start()
{
	ws_conf "$@"
	lab_cupsd ws
	lab_daemon
	ws_queue "$1"
}

# ws_reload - after ws_conf: the daemon reads it again
ws_reload() { kill -HUP "$(lab_pid stillprintd)"; }

# ws_lp LP-ARGUMENTS... - print on `ws` as $LAB_USER
ws_lp() { lab_lp ws "$@"; }

# sp ARGUMENTS... - the command line as $LAB_USER; sp_root as root
sp() { as "$LAB_USER" env STILLPRINT_CONF="$STILLPRINT_CONF" stillprint "$@"; }
sp_root() { stillprint "$@"; }

# job_field ID PROPERTY - a property of Job1 as root sees it
job_field()
{
	lab_bus_call org.stillprint "/org/stillprint/jobs/$1" org.freedesktop.DBus.Properties Get ss org.stillprint.Job1 "$2" |
		sed -e 's/^.*"data":\[{"type":"[^"]*","data"://' -e 's/}\]}$//' -e 's/^"//' -e 's/"$//'
}
job_state() { job_field "$1" State; }
job_reason() { job_field "$1" Reason; }
job_is() { [ "$(job_state "$1")" = "$2" ]; }
job_held_for() { [ "$(job_state "$1")" = held ] && [ "$(job_reason "$1")" = "$2" ]; }
# queue_health QUEUE
queue_health()
{
	lab_bus_call org.stillprint "/org/stillprint/queues/$1" org.freedesktop.DBus.Properties Get ss \
		org.stillprint.Queue1 Health | sed -e 's/^.*"data":"//' -e 's/"}\]}$//'
}
queue_is() { [ "$(queue_health "$1")" = "$2" ]; }
# daemon_log TEXT - the daemon has logged that
daemon_log() { grep -q -- "$1" "$LAB/log/stillprintd"*; }
# job_act ID METHOD [SIGNATURE ARGS...] - a method of Job1 as root
job_act() { lab_bus_call org.stillprint "/org/stillprint/jobs/$1" org.stillprint.Job1 "${@:2}"; }
# ledger [SQL] - straight from the store, while the daemon runs
store_sql() { sqlite3 "file:$LAB/state/store.db?mode=ro" "$1"; }
owner_verified() { [ "$(job_field "$1" OwnerVerified)" = true ]; }
# net RELAY-COMMAND... - tells the relay `net` before the server
net() { relay net "$@" >/dev/null; }
# all_jobs_are STATE ID...
all_jobs_are()
{
	local state=$1 id
	shift
	for id in "$@"; do job_is "$id" "$state" || return 1; done
}
# printed_order PRINTER - the first words of what came out, in order
printed_order() { awk '{ printf "%s%s", sep, $6; sep = " " } END { print "" }' "$LAB/$1/prints"; }
# acts ID - the keys of what the user can do with a job
acts() { job_field "$1" Actions; }
