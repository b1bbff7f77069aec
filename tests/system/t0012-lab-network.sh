#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317,SC2119 # functions are called through check
# t0012 - the lab's networks: refused, host down, black hole, offline and a second host, in namespaces of its own.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

lab_netns
lab_start
need curl ippeveprinter
# get ADDRESS:PORT - curl's exit code and the milliseconds that the connect took
get()
{
	local start rc
	start=$(now_ms)
	curl -s -o /dev/null --connect-timeout "${2:-5}" "http://$1/"
	rc=$?
	took=$(($(now_ms) - start))
	return "$rc"
}
connects() { get "$1" 1; }
exits() { get "$2" "${3:-5}" && code=0 || code=$?; same "$code" "$1"; } # CURL-EXIT ADDRESS:PORT [SECONDS]

check "refused: at once" exits 7 10.99.0.1:9
check "in no time ($took ms)" test "$took" -lt 500
check "host down: told after the ARP attempts" exits 7 10.99.0.2:9
check "which take seconds ($took ms)" test "$took" -ge 500
check "black hole: nothing, until the caller gives up" exits 28 10.99.0.3:9 5
check "which is later than ARP would tell ($took ms)" test "$took" -ge 4900

lab_host far
lab_tool relay
# ippeveprinter listens at its own name's addresses only, and needs one of each family: a relay stands at the door.
lab_spawn_on far door "$LAB_TOOLS/relay" --listen 10.99.0.10:8080 --to 127.0.0.1:8080 --control "$LAB/door"
lab_spawn_on far web ippeveprinter -r off -p 8080 -n localhost -K "$LAB/ssl" -d "$LAB/web" far
check "a second host answers" wait_for 5 connects 10.99.0.10:8080
net_blackhole 10.99.0.10
check "black-holed, it does not" exits 28 10.99.0.10:8080 1
net_heal 10.99.0.10
check "healed, it does" wait_for 5 connects 10.99.0.10:8080
net_offline
check "offline: no route" exits 7 10.99.0.10:8080
check "at once ($took ms)" test "$took" -lt 500
net_online
check "online again" wait_for 5 connects 10.99.0.10:8080
plan_done
