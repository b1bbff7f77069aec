#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# server.sh - what client spooling costs and how fast a release is: `metric<TAB>value<TAB>limit`, on stdout.
# docs/bench.md says what each line means.  RELEASES is how often a release is timed.
[ "$(id -u)" -eq 0 ] || { echo "bench: please run it as root (sudo make bench-server)" >&2 && exit 1; }
cd "$(dirname "$0")/.." || exit 1
. tests/system/lib.sh
. tests/system/workstation.sh
. tests/system/server.sh
RELEASES=${RELEASES:-60}

say() { echo "# $*" >&2; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
row() { printf '%s\t%s\t%s\n' "$@"; }
rank() { sort -n | awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p + 0.999999); print v[i < 1 ? 1 : i] }'; } # P: 0.5, 0.99

lab_start
lab_pdf "$LAB/page.pdf" -n 1 -t page >/dev/null
lab_pdf "$LAB/big.pdf" -n 50 -b 20000000 -t big >/dev/null
lab_printer hall
RELAY_STAMP=1 lab_relay device "localhost:$(printer_port hall)" # what the device gets, with the time
srv_start
srv device add hall "ipp://localhost:$(relay_port device)/ipp/print" --no-probe >/dev/null || die device
srv_queue Office hall
lab_relay wire "localhost:$SRV_PORT"
ws_enrol Office "ipps://localhost:$(relay_port wire)"
lab_tool releaser
# Somebody at the server, on a connection that is there already: only the release is timed.
coproc RELEASER { exec "$LAB_TOOLS/releaser" "$LAB/server/state/ca.crt" "ipps://localhost:$SRV_PORT/ipp/print/Office" \
	"$LAB_USER" "$LAB_PASSWORD" hall; }

# cpu_ms PROCESS - of the lab's process so far
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$(lab_pid "$1")/stat"; }
# ns_of PROCESS - the scheduler's own count, finer than the clock tick
ns_of() { awk '{ s += $1 } END { printf "%.0f", s }' /proc/"$(lab_pid "$1")"/task/*/schedstat; }
wire_octets() { echo $(($(relay_stat wire client-bytes) + $(relay_stat wire server-bytes))); }
sends() { grep -c 'request [0-9]* 0x0006' "$LAB/device/events"; }
has_sends() { [ "$(sends)" -ge "$1" ]; }

n=0
# one FILE - a job: registered, released at the server at a known moment, printed; sets released_us
one()
{
	n=$((n + 1))
	ws_lp -d Office "$1" >/dev/null
	wait_for 20 job_registered $n >/dev/null || die "job $n is not registered"
	echo $n >&"${RELEASER[1]}"
	read -r -u "${RELEASER[0]}" _ released_us status || die "nobody releases"
	[ "$status" = 0x0000 ] || die "job $n is not released: $status"
	wait_for 60 job_is $n completed >/dev/null || die "job $n does not end"
	wait_for 20 same_state $n completed >/dev/null || die "job $n does not end at the server"
	wait_for 20 ledger_has $n >/dev/null || die "no record of job $n"
}
# first_ms K - from the release to the first octet of the K-th document at the device
first_ms() { awk -v k="$1" -v t="$released_us" '/request [0-9]+ 0x0006/ && ++i == k { printf "%.1f\n", ($1 - t) / 1000 }' "$LAB/device/events"; }

printf 'metric\tvalue\tlimit\n'
say "warming up"
one "$LAB/page.pdf"
one "$LAB/page.pdf"

say "octets of one job"
before=$(wire_octets)
one "$LAB/page.pdf"
nap 1
row "octets on the wire for one job, both ways, with TLS (1 page)" $(($(wire_octets) - before)) 8192
before=$(wire_octets)
one "$LAB/big.pdf"
nap 1
row "octets on the wire for one job, both ways, with TLS (20 MB)" $(($(wire_octets) - before)) 8192

say "release to first octet at the device, $RELEASES times"
times=''
for ((i = 0; i < RELEASES; i++)); do
	k=$(($(sends) + 1))
	one "$LAB/page.pdf"
	wait_for 5 has_sends $k >/dev/null || die "the device saw no document"
	times+=$(first_ms $k)$'\n'
done
row "release to first octet at the device, median, ms" "$(printf %s "$times" | rank 0.5)" 50
row "release to first octet at the device, 99th of 100, ms" "$(printf %s "$times" | rank 0.99)" 150

say "CPU of the server"
jobs=40
before=$(ns_of server)
for ((i = 0; i < jobs; i++)); do one "$LAB/page.pdf"; done
after=$(ns_of server)
row "CPU of the server for one job, 1 page, ms" "$(awk -v a="$after" -v b="$before" -v n=$jobs 'BEGIN { printf "%.2f", (a - b) / 1e6 / n }')" 2
before=$(ns_of server)
for ((i = 0; i < 3; i++)); do one "$LAB/big.pdf"; done
after=$(ns_of server)
row "CPU of the server for one job, 20 MB, ms" "$(awk -v a="$after" -v b="$before" 'BEGIN { printf "%.2f", (a - b) / 1e6 / 3 }')" 2
row "memory of the server, kB" "$(awk '/VmRSS/ { print $2 }' "/proc/$(lab_pid server)/status")" -
lab_planned=1
