#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh - Stillprint beside stock CUPS in one run: `metric, ours, stock, ratio`, tab-separated, on stdout.
# docs/bench.md says what each line means.  RUNS is how often each is measured; the median counts.
[ "$(id -u)" -eq 0 ] || { echo "bench: please run it as root (sudo make bench)" >&2 && exit 1; }
cd "$(dirname "$0")/.." || exit 1
. tests/system/lib.sh
. tests/system/workstation.sh
RUNS=${RUNS:-5}

say() { echo "# $*" >&2; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "-" }'; }

# row METRIC OURS STOCK - a line of the table
row()
{
	awk -v m="$1" -v o="$2" -v s="$3" 'BEGIN { printf "%s\t%s\t%s\t%s\n", m, o, s, (s + 0 > 0 && o != "-") ? sprintf("%.2f", o / s) : "-" }'
}

# both METRIC FUNCTION OURS-QUEUE STOCK-QUEUE ARGS... - measure by turns, after one run each that does not count
both()
{
	local metric=$1 f=$2 ours=$3 stock=$4 i o='' s=''
	shift 4
	say "$metric"
	"$f" "$ours" "$@" >/dev/null
	"$f" "$stock" "$@" >/dev/null
	for ((i = 0; i < RUNS; i++)); do
		o+="$("$f" "$ours" "$@")"$'\n'
		s+="$("$f" "$stock" "$@")"$'\n'
	done
	row "$metric" "$(printf %s "$o" | median)" "$(printf %s "$s" | median)"
}

# ended_us JOB - when cupsd on the workstation called it completed, by its own log
ended_us()
{
	local t
	t=$(grep -aF "[Job $1] Job completed." "$LAB/ws/log/error_log" | sed -n 's/^. \[\([^]]*\)\].*/\1/p')
	t=${t/:/ }
	date -d "${t//\// }" +%s%6N
}
job_completed() { grep -qaF "[Job $1] Job completed." "$LAB/ws/log/error_log"; }
settle() { wait_for 60 calm >/dev/null; } # nothing is under way
calm() { [ -z "$(find "$LAB/spool/jobs" "$LAB/spool/incoming" -type f)" ] && [ -z "$(lab_cups ws lpstat -o)" ]; }

# stored QUEUE FILE - ms from lp to the end of the job for cupsd: the document is where the queue's chain ends
stored()
{
	local t id
	t=$(now_us)
	id=$(ws_lp -d "$1" "$2")
	id=${id##*-}
	wait_for 30 job_completed "$id" >&2
	echo $((($(ended_us "$id") - t) / 1000))
	settle
}

# synced_ms FILE - one write of its octets and one fsync, where the spool is
synced_ms()
{
	local t
	t=$(now_us)
	LC_ALL=C dd if="$1" of="$LAB/spool/synced" bs=1M conv=fsync status=none
	echo $((($(now_us) - t) / 1000))
	rm -f "$LAB/spool/synced"
}

# stored_row NAME FILE - and beside the stock chain with a write and a fsync, of which ours may take 1.3 times as much
stored_row()
{
	local i w='' line
	line=$(both "lp to stored, $1, ms" stored Office Sink "$2")
	for ((i = 0; i < RUNS; i++)); do w+="$(synced_ms "$2")"$'\n'; done
	echo "$line"
	w=$(($(cut -f3 <<<"$line") + $(printf %s "$w" | median)))
	row "lp to stored, $1 (stock, write and fsync), ms" "$(cut -f2 <<<"$line")" "$w"
}

# printed QUEUE FILE PRINTER - ms from lp to the whole document at the printer
printed()
{
	local t n
	n=$(wc -l <"$LAB/$3/started")
	t=$(now_us)
	ws_lp -d "$1" "$2" >/dev/null
	wait_for 60 has_started "$3" $((n + 1)) >&2
	echo $(($(date -r "$LAB/$3/started" +%s%6N) / 1000 - t / 1000))
	settle
}

lab_start
mkdir "$LAB/docs" "$LAB/peak" && chmod 777 "$LAB/peak"
lab_pdf "$LAB/docs/page.pdf" -n 1 >/dev/null
lab_pdf "$LAB/docs/pages.pdf" -n 100 >/dev/null
lab_pdf "$LAB/docs/long.pdf" -n 1000 >/dev/null
lab_pdf "$LAB/docs/scan.pdf" -n 25 -b 5000000 >/dev/null
lab_pdf "$LAB/docs/big.pdf" -n 50 -b 50000000 >/dev/null
lab_printer hall
lab_printer corner
lab_cupsd server
lab_queue server Office "$(printer_uri hall)"
lab_relay wire "localhost:$(cups_port server)"
upstream=ipp://localhost:$(relay_port wire)/printers/Office
ws_conf Office "$upstream" "fallback = $(printer_uri corner)"
lab_cupsd ws "LogLevel info" "LogTimeFormat usecs" "JobRetryInterval 30" "DirtyCleanInterval 30"

# Backends behind time(1), which tells their peak memory and CPU.
for b in stillprint ipp; do
	mv "$LAB/ws/bin/backend/$b" "$LAB/ws/bin/$b.real"
	printf '#!/bin/sh\nexec /usr/bin/time -q -a -o %s -f "%%M %%U %%S" %s "$@"\n' "$LAB/peak/$b" "$LAB/ws/bin/$b.real" \
		>"$LAB/ws/bin/backend/$b"
	chmod 755 "$LAB/ws/bin/backend/$b"
done
peak_kb() { sort -n "$LAB/peak/$1" | tail -n 1 | cut -d' ' -f1; }
cpu_ms() { awk '{ s += $2 + $3 } END { printf "%d", s * 1000 }' "$LAB/peak/$1"; }
daemon_cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15 + $16 + $17) * 1000 / hz }' "/proc/$(lab_pid stillprintd)/stat"; }

lab_daemon
ws_queue Office
# The stock chain up to the end of its filters: the same PPD without our filter, into a file.
sed 's|^\*cupsFilter2:.*|*cupsFilter2: "application/vnd.cups-pdf application/pdf 0 -"|' "$LAB_PPD" >"$LAB/stock.ppd"
install -d -o lp "$LAB/sink"
lab_queue ws Sink "file:$LAB/sink/out" ppd "$LAB/stock.ppd"
lab_queue ws Stock "$upstream"
lab_queue ws Direct "$(printer_uri corner)"
lab_cups ws lpstat -p Stock >/dev/null || die "no stock queue"

printf 'metric\tours\tstock\tratio\n'
both "lp to stored, 1 page, ms" stored Office Sink "$LAB/docs/page.pdf"
stored_row "100 pages" "$LAB/docs/pages.pdf"
stored_row "1,000 pages" "$LAB/docs/long.pdf"
stored_row "5 MB" "$LAB/docs/scan.pdf"
stored_row "50 MB" "$LAB/docs/big.pdf"
[ "${PART:-}" != stored ] || { lab_planned=1 && exit; } # PART=stored: these lines alone
both "lp to printer through the server, 1 page, ms" printed Office Stock "$LAB/docs/page.pdf" hall
both "lp to printer through the server, 5 MB, ms" printed Office Stock "$LAB/docs/scan.pdf" hall

say "CPU of a delivery"
jobs=20
before=$(daemon_cpu_ms)
for ((i = 0; i < jobs; i++)); do ws_lp -d Office "$LAB/docs/page.pdf" >/dev/null; done
settle
after=$(daemon_cpu_ms)
: >"$LAB/peak/ipp"
for ((i = 0; i < jobs; i++)); do ws_lp -d Stock "$LAB/docs/page.pdf" >/dev/null; done
settle
row "CPU of delivering 1 page (stillprintd; ipp backend), ms" \
	"$(awk -v a="$after" -v b="$before" -v n=$jobs 'BEGIN { printf "%.1f", (a - b) / n }')" \
	"$(awk -v c="$(cpu_ms ipp)" -v n=$jobs 'BEGIN { printf "%.1f", c / n }')"

say "peak memory"
: >"$LAB/peak/ipp"
: >"$LAB/peak/stillprint"
printed Office "$LAB/docs/big.pdf" hall >/dev/null
printed Stock "$LAB/docs/big.pdf" hall >/dev/null
row "peak memory of the backend, 50 MB, kB" "$(peak_kb stillprint)" "$(peak_kb ipp)"

# ---- the server is away; stock's answer is a class of two printers whose first is dead

# elsewhere QUEUE - ms from lp until the document is out of the fallback; - after two minutes
elsewhere()
{
	local t word=w$SRANDOM
	lab_pdf "$LAB/docs/$word.pdf" -t "$word" >/dev/null
	t=$(now_ms)
	ws_lp -d "$1" "$LAB/docs/$word.pdf" >/dev/null
	if wait_for 120 out_of_corner "$word" >/dev/null; then echo $(($(now_ms) - t)); else echo -; fi
}
out_of_corner() { [ "$(prints_of corner "$1")" -gt 0 ]; }

# away MODE RUNS - our median and stock's, the server newly away each time
away()
{
	local mode=$1 runs=$2 i o='' pids=() files
	for ((i = 0; i < runs; i++)); do
		relay wire pass >/dev/null
		wait_for 30 queue_is Office ok >&2
		relay wire "$mode" >/dev/null
		o+="$(elsewhere Office)"$'\n'
		settle
	done
	# A class tries its second member first; each is new, so that it does so for its one job.
	files=$(mktemp -d "$LAB/class.XXXXXX")
	for ((i = 0; i < runs; i++)); do
		lab_cups ws lpadmin -p "Live$mode$i" -v "$(printer_uri corner)" -m everywhere -E
		lab_cups ws lpadmin -p "Dead$mode$i" -v "$upstream" -P "$LAB/stock.ppd" -E
		lab_cups ws lpadmin -p "Live$mode$i" -c "Class$mode$i"
		lab_cups ws lpadmin -p "Dead$mode$i" -c "Class$mode$i"
		lab_cups ws cupsenable "Class$mode$i" && lab_cups ws cupsaccept "Class$mode$i"
	done 2>>"$LAB/log/lpadmin.log"
	nap 2 # the everywhere queues' PPDs
	for ((i = 0; i < runs; i++)); do
		elsewhere "Class$mode$i" >"$files/$i" &
		pids+=($!)
		nap 1.5 # so that they do not meet at the printer
	done
	wait "${pids[@]}"
	row "$3" "$(printf %s "$o" | median)" "$(cat "$files"/* | median)"
}

say "server refuses"
away refuse "$RUNS" "lp to the other printer, server refuses (class of two), ms"
say "outage known"
wait_for 20 queue_is Office lost >&2
both "lp to the other printer, outage known (direct queue), ms" printed Office Direct "$LAB/docs/page.pdf" corner
say "server silent"
away silent 3 "lp to the other printer, server accepts and is silent (class of two), ms"
say "server drops SYNs"
away blackhole 3 "lp to the other printer, server drops SYNs (class of two), ms"
lab_planned=1
