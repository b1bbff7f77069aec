#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7261-octets.sh - the connection between workstation and server cut after N octets of TLS, in the handshake, a request or a
# reply, for many N: no cut is taken for a forged server or a refusal, each document is printed, registered and charged once.
# SWEEP=1 tries many more positions (make sweep).
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need sqlite3 jq

WS_PROBE_LOST=1s
lab_start
lab_printer hall
srv_start
srv_queue Office hall
lab_relay wire "127.0.0.1:$SRV_PORT"
ws_enrol Office "ipps://localhost:$(relay_port wire)"
n=0

# Three cuts for each document: where it is made known, where it is released, where its end and its record are told.
wanted="client:1 client:200 client:500 client:1000 client:1500 client:2200 server:1 server:100 server:700 server:1400 server:1900 server:2600 server:3600"
[ -z "${SWEEP:-}" ] || wanted="$(seq -f 'client:%g' 1 64 3600) $(seq -f 'server:%g' 1 64 5200)"
for at in $wanted; do
	n=$((n + 1))
	before=$(wire_events '^cut')
	wire cut "${at%:*}" "${at#*:}" 3
	wire drop-all
	faults_print "word$n"
	check "$at: it comes to an end" wait_for 90 released_or_over $n
	check "$at: and its user is told that it printed" same "$(job_state $n)" completed
	note "$at: $(($(wire_events '^cut') - before)) cuts"
	check "$at: connections were cut there" test "$(($(wire_events '^cut') - before))" -ge 1
	wire clear
done
check "no cut was taken for another server" not daemon_log "certificate-changed"
faults_sum $n
plan_done
