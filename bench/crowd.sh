#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# crowd.sh - ten thousand parked workstations at one stillprint-server, and several that print at once: `metric<TAB>value`, on
# stdout. docs/bench.md says what each line means.  CROWD is how many park; MACHINES how many certificates they share.
[ "$(id -u)" -eq 0 ] || { echo "bench: please run it as root (sudo make bench-crowd)" >&2 && exit 1; }
cd "$(dirname "$0")/.." || exit 1
. tests/system/lib.sh
. tests/system/workstation.sh
. tests/system/server.sh
CROWD=${CROWD:-10000} MACHINES=${MACHINES:-120}
ulimit -n "$(ulimit -Hn)"

say() { echo "# $*" >&2; }
row() { printf '%s\t%s\n' "$@"; }
# ns - CPU of the server so far, all its threads, as the scheduler counts
ns() { awk '{ s += $1 } END { printf "%.0f", s }' /proc/"$(lab_pid server)"/task/*/schedstat; }
rss() { awk '/VmRSS/ { print $2 }' "/proc/$(lab_pid server)/status"; }
per() { awk -v a="$2" -v b="$1" -v n="$3" 'BEGIN { printf "%.3f", (a - b) / 1e6 / n }'; } # BEFORE AFTER COUNT, in ms
tell() { echo "$*" >&"${ROWD[1]}"; }
word="" p50="" p99="" most="" count="" ms="" half="" last="" granted="" refused="" other="" # what hear() is told
hear() { read -r -u "${ROWD[0]}" "$@" || die "the crowd is gone"; }

lab_start
lab_printer hall
srv_start
srv_queue Office hall
lab_tool crowd
coproc ROWD { exec "$LAB_TOOLS/crowd" "$LAB/server/state" "$SRV_PORT" "$MACHINES" "$CROWD"; }
hear word && [ "$word" = ready ] || die "no crowd"

printf 'metric\tvalue\n'
say "a request with nobody there"
tell probe 500 && hear _ _ p50 p99 most
row "a request with nobody there, ms: median, 99th of 100, longest" "$p50 $p99 $most"

say "jobs: one, eight and forty workstations"
tell jobs 1 20 && hear _ _ _
for wide in 1 8 40; do
	deep=$((wide == 1 ? 100 : 400 / wide))
	before=$(ns)
	tell jobs $wide $deep && hear _ count ms
	row "CPU of the server for one job, $wide workstations at once, ms" "$(per "$before" "$(ns)" "$count")"
	row "jobs in a second, $wide workstations at once" $((count * 1000 / (ms ? ms : 1)))
done

say "$CROWD park"
empty=$(rss) before=$(ns)
tell park && hear _ count ms
row "connections with certificate and parked poll" "$count"
row "until all are parked, s" $((ms / 1000))
row "CPU of the server for each that comes, ms" "$(per "$before" "$(ns)" "$count")"
row "memory of the server for each, kB" "$(awk -v a="$(rss)" -v b="$empty" -v n="$count" 'BEGIN { printf "%.1f", (a - b) / n }')"
row "memory of the server, MB" $(($(rss) / 1024))
before=$(ns) since=${EPOCHREALTIME/[.,]/}
tell probe 1000 && hear _ _ p50 p99 most
took=$((${EPOCHREALTIME/[.,]/} - since))
row "a request beside them, ms: median, 99th of 100, longest" "$p50 $p99 $most"
row "CPU of the server meanwhile, ms a second" "$(awk -v a="$(ns)" -v b="$before" -v t=$took 'BEGIN { printf "%.1f", (a - b) / 1e6 / (t / 1e6) }')"

say "a job beside them"
before=$(ns)
tell jobs 8 20 && hear _ count ms
row "CPU of the server for one job beside them, 8 workstations, ms" "$(per "$before" "$(ns)" "$count")"

say "all are woken"
before=$(ns)
tell wake
srv maintenance start --message bench >/dev/null
hear _ count _ half last
row "woken by maintenance: half of them, all of them, ms after the first" "$half $last"
row "CPU of the server for each, ms" "$(per "$before" "$(ns)" "$count")"
srv maintenance stop >/dev/null
tell probe 200 && hear _ _ p50 p99 most

say "ten thousand subscriptions of one machine"
tell flood 10000 && hear _ granted refused other p50 p99 most
row "of 10,000 subscriptions: granted, refused with 0x0415, else" "$granted $refused $other"
row "a request of another machine meanwhile, ms: median, 99th of 100, longest" "$p50 $p99 $most"
kill "$ROWD_PID"
lab_planned=1
