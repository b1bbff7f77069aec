# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# faults.sh - a whole workstation and its server with a relay between them that sees every IPP operation, and the sum that must
# be right whatever was cut: each document printed once, registered once, charged once.
# Source lib.sh, workstation.sh and server.sh first.
#
#	stillprintd --TLS--> front --plain--> relay `wire` --plain--> back --TLS, as this machine--> stillprint-server

# faults_start - everything, with printer `hall` and queue Office; the first job has printed
faults_start()
{
	lab_tool tls-relay
	lab_printer hall
	srv_start
	srv_queue Office hall
	ws_enrol Office
	faults_wire
	faults_print first
	wait_for 10 job_registered 1 || die "not registered"
	sp release 1 --device hall >/dev/null
	wait_for 15 job_is 1 completed || die "the first one does not print"
	wait_for 10 same_count 1 || die "no record of the first"
}

# faults_wire - from now on the workstation's messages pass relay `wire` in plain
faults_wire()
{
	local front back
	front=$(free_port) back=$(free_port)
	lab_spawn back "$LAB_TOOLS/tls-relay" "$back" "localhost:$SRV_PORT" "$LAB/server/state/ca.crt" \
		"$LAB/state/identity/cert.pem" "$LAB/state/identity/key.pem"
	wait_for 5 port_open "$back" || die "no relay to the server"
	lab_relay wire "127.0.0.1:$back"
	lab_spawn front "$LAB_TOOLS/tls-relay" "$front" "127.0.0.1:$(relay_port wire)" "$LAB/server/state/server.pem" \
		"$LAB/server/state/server.pem"
	wait_for 5 port_open "$front" || die "no relay from the workstation"
	faults_address "ipps://localhost:$front"
	wait_for 10 relay_saw wire "^request .* 0x001c" || die "no poll passes the relay"
}

# faults_address ADDRESS... - of the server, as the workstation knows it
faults_address()
{
	{
		echo '[server]'
		printf 'address = %s\n' "$@"
	} >"$LAB/etc/stillprint.conf.d/@server.conf"
	lab_daemon_restart
	wait_for 20 queue_is Office ok || die "the queue is not ok"
}

wire() { relay wire "$@" >/dev/null; }
wire_events() { grep -c -- "$1" "$LAB/wire/events"; }

faults_words=()
# faults_print WORD [LP OPTIONS] - prints a document of two pages that is known by this word
faults_print()
{
	faults_words+=("$1")
	lab_pdf "$LAB/$1.pdf" -n 2 -t "$1" >/dev/null
	ws_lp -d Office -t "$1" "${@:2}" "$LAB/$1.pdf" >/dev/null
}

job_over() { case $(job_state "$1") in completed | unknown | canceled | aborted | expired) ;; *) return 1 ;; esac; }
# released_or_over JOB - its user is at the device: he releases it, again if the first time came to nothing
released_or_over()
{
	job_over "$1" && return
	job_held_for "$1" registered || job_held_for "$1" given-back || return 1
	sp release "$1" --device hall >/dev/null 2>&1
	return 1
}

# faults_sum N - all of N documents: printed once, registered once, charged once, and nobody left in doubt
faults_sum()
{
	local word twice=''
	for word in "${faults_words[@]}"; do
		[ "$(prints_of hall "$word")" = 1 ] || twice+=" $word=$(prints_of hall "$word")"
	done
	check "each of $1 documents came out once" same "$twice $(prints hall)" " $1"
	check "each is known to the server once" same "$(srv_sql "SELECT count(*) || ' ' || count(DISTINCT title) FROM job")" "$1 $1"
	check "the server has the end of each" wait_for 30 faults_all_completed "$1"
	check "each is charged once" wait_for 30 same_count "$1"
	check "by one record for each document" same "$(srv_sql 'SELECT count(DISTINCT document_uuid) FROM ledger_record')" "$1"
	check "with the device's count" same "$(srv ledger sum --by user --json | jq -c '[.totals // .rows // .[] | .[]? | .prints, .impressions, .uncounted, .uncertain]')" \
		"[$1,$(($1 * 2)),0,0]"
	check "nothing is left in the spool" same "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ""
}
faults_all_completed() { same "$(srv_sql "SELECT count(*) FROM job WHERE state = 'completed'")" "$1"; }
