# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# server.sh - a stillprint-server of our own on the lab, and a workstation enrolled at it.
# Source lib.sh and workstation.sh first.

# srv ARGUMENTS... - stillprint-server's subcommands, as the administrator
srv() { STILLPRINT_SERVER_CONF=$LAB/server/server.conf "$LAB/bin/stillprint-server" "$@"; }

# srv_start [LINES...] - configuration (lines of [server]), CA and database, the service on free ports
srv_start()
{
	[ -x "$LAB/bin/stillprint-server" ] || die "no stillprint-server"
	mkdir -p "$LAB/server"
	install -d -o stillprint -g stillprint -m 700 "$LAB/server/state"
	SRV_PORT=$(free_port) SRV_WEB=$(free_port)
	{
		printf '[server]\nstate = %s\nlisten = 127.0.0.1\nport = %s\nweb-port = %s\nnames = localhost, 127.0.0.1\n' \
			"$LAB/server/state" "$SRV_PORT" "$SRV_WEB"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$LAB/server/server.conf"
	srv setup >"$LAB/server/setup" || die "server setup"
	srv_up
}
srv_up()
{
	lab_spawn_as stillprint server env STILLPRINT_SERVER_CONF="$LAB/server/server.conf" "$LAB/bin/stillprint-server" serve
	wait_for 10 srv_ready_or_dead && lab_alive server || die "stillprint-server does not start"
}
srv_ready_or_dead() { port_open "$SRV_PORT" || ! lab_alive server; }
srv_stop() { lab_end server; }
srv_crash() { lab_end server KILL; }
srv_sql() { sqlite3 "file:$LAB/server/state/server.db?mode=ro" "$1"; }

# srv_queue QUEUE DEVICE - a queue whose default device is the lab's printer DEVICE, known by that name; and the lab's user
srv_queue()
{
	[ -n "$(srv_sql "SELECT 1 FROM device WHERE name = '$2'")" ] || srv device add "$2" "$(printer_uri "$2")" --no-probe >/dev/null || die "device $2"
	srv queue add "$1" --device "$2" >/dev/null || die "queue $1"
	[ -n "$(srv_sql "SELECT 1 FROM account WHERE name = '$LAB_USER'")" ] || srv user add "$LAB_USER" <<<"$LAB_PASSWORD" >/dev/null || die "user"
}
LAB_PASSWORD=correct-horse

srv_code() { srv enrol 2>&1 | grep -oE "([0-9A-Z]{4}-){7}[0-9A-Z]{4}" | head -n 1; }

# ws_enrol QUEUE [ADDRESS...] - the workstation, with cupsd `ws`, its daemon, enrolled; QUEUE is a queue of the server
ws_enrol()
{
	local queue=$1 at=()
	shift
	[ $# -gt 0 ] || set -- "ipps://localhost:$SRV_PORT"
	while [ $# -gt 0 ]; do at+=(--server "$1") && shift; done
	[ -d "$LAB/ws" ] || lab_cupsd ws
	ws_conf none ipp://localhost:9/ && rm "$LAB/etc/stillprint.conf.d/none.conf"
	lab_alive stillprintd || lab_daemon "${WS_ENV[@]}"
	CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD \
		stillprint setup "$queue" "${at[@]}" --code "$(srv_code)" --yes >"$LAB/enrol.said" 2>&1 ||
		{ cat "$LAB/enrol.said" >&2 && die "enrolment"; }
	wait_for 10 queue_is "$queue" ok || die "the queue is not ok"
}
WS_ENV=()

job_registered() { job_held_for "$1" registered; }
# srv_job ID FIELD - of the server's own table
srv_job() { srv_sql "SELECT $2 FROM job WHERE id = $1"; }
same_state() { [ "$(srv_job "$1" state)" = "$2" ]; } # JOB STATE at the server
ledger_has() { [ "$(srv_sql "SELECT count(*) FROM ledger_record")" -ge "$1" ]; }
# ipptool_lists URI JOB - a person's Get-Jobs names the job
ipptool_lists() { ipptool -tv "$1" "$LAB_HERE/get-jobs.test" | grep -q "job-id (integer) = $2\$"; }
store_has() { [ -n "$(store_sql "$1")" ]; }
same_count() { [ "$(srv_sql 'SELECT count(*) FROM ledger_record')" = "$1" ]; } # N records at the server
