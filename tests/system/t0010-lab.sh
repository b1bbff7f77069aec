#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317 # functions are called through check and wait_for
# t0010 - the lab itself, with stock parts only: if this fails, believe no other system test.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# The lab must clean up after a test that is interrupted: this script is also that test.
if [ "${1:-}" = hang ]; then
	lab_start
	lab_cupsd ws
	lab_printer mfp
	lab_queue ws direct "$(printer_uri mfp)"
	lab_pdf "$LAB/a.pdf" >/dev/null
	echo 60 >"$LAB/mfp/slow"
	lab_lp ws -d direct "$LAB/a.pdf" >/dev/null
	wait_for 10 has_started mfp 1
	echo "$LAB" >"$2"
	wait_for 60 false
fi

http() { curl -s -o /dev/null -m 2 --connect-timeout 1 "http://127.0.0.1:$1/"; }
http_says() { http "$2" && rc=0 || rc=$?; same "$rc" "$1"; } # CURL-EXIT PORT
# put URI FILE - Print-Job straight to a printer, in one request
put() { ipptool -f "$2" "$1" print-job.test; }
# the same by Create-Job and Send-Document
two_steps() { ipptool -f "$2" "$1" create-job.test; }
prints_is() { [ "$(prints_of "$1" "$2")" = "$3" ]; }
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }
never() { ! wait_for 1 "$@"; } # for what must not happen within a second

lab_start
need cupsd lp lpadmin ipptool curl pdfinfo pdftotext
lab_cupsd ws
lab_cupsd server
lab_printer mfp
lab_queue ws direct "$(printer_uri mfp)"
lab_queue server office "$(printer_uri mfp)" everywhere -o printer-is-shared=true
lab_queue ws office "$(cups_uri server office)"

# ---- printing, and the record of it
lab_pdf "$LAB/one.pdf" -t one -n 4 >/dev/null
id=$(lab_lp ws -d direct -n 2 -o sides=two-sided-long-edge "$LAB/one.pdf")
check "a job goes through a private cupsd to the printer" wait_for 10 has_prints mfp 1
check "cupsd calls it completed" wait_for 10 job_done ws "$id"
check "the printer counted its pages" same "$(print_pages mfp 1)" 4
check "the print is known by its text" same "$(prints_of mfp one)" 1
check "the printer was told the sides" same "$(ticket mfp 1 SIDES)" two-sided-long-edge
check "the printer was told the copies" same "$(ticket mfp 1 COPIES)" 2
impressions() { printer_jobs "$(printer_uri mfp)" | sed -n 's/.*job-impressions-completed (integer) = //p'; }
check "impressions are pages times copies" same "$(impressions)" 8
check "cupsd's job can be asked too" same "$(job_attr ws "$id" job-state)" completed
check "the job is the user's" same "$(ticket mfp 1 JOB_ORIGINATING_USER_NAME)" "$LAB_USER"

lab_pdf "$LAB/two.pdf" -t two >/dev/null
lab_lp ws -d office "$LAB/two.pdf" >/dev/null
check "a second cupsd can stand in between as the print server" wait_for 10 has_prints mfp 2
check "and it prints once" same "$(prints_of mfp two)" 1

# ---- who may print what
lab_cups ws lpadmin -p direct -o printer-op-policy=authenticated
check "policy authenticated believes the socket's peer" lab_lp ws -d direct -t peer "$LAB/two.pdf"
check "and prints that job" wait_for 10 has_prints mfp 3
check "and refuses a user who says he is root" not timeout -s KILL 5 setsid -w \
	setpriv --reuid nobody --regid nogroup --clear-groups lp -h "$(cups_socket ws)" -U root -d direct "$LAB/two.pdf"
check "nobody may own a name on the system bus without a policy" not lab_bus_call \
	org.freedesktop.DBus / org.freedesktop.DBus RequestName su org.example.x 0
echo '<busconfig><policy user="root"><allow own="org.example.x"/></policy></busconfig>' >"$LAB/x.conf"
lab_bus_policy "$LAB/x.conf" >/dev/null
check "with a policy file it may, at once" wait_for 2 lab_bus_call \
	org.freedesktop.DBus / org.freedesktop.DBus RequestName su org.example.x 0

# ---- a printer that misbehaves
n=$(prints mfp)
: >"$LAB/mfp/fail"
two_steps "$(printer_uri mfp)" "$LAB/two.pdf" >/dev/null
aborted() { printer_jobs "$(printer_uri mfp)" | grep -q 'job-state (enum) = aborted'; }
check "a print that fails is aborted" wait_for 5 aborted
rm "$LAB/mfp/fail"
check "and is not a print" same "$(prints mfp)" "$n"
echo 60 >"$LAB/mfp/slow"
begun=$(wc -l <"$LAB/mfp/started")
lab_lp ws -d direct "$LAB/two.pdf" >/dev/null
check "a slow print begins" wait_for 10 has_started mfp $((begun + 1))
lab_printer_kill9 mfp
rm "$LAB/mfp/slow"
check "a printer that is killed in mid-print has not printed" never has_prints mfp $((n + 1))
check "and its port refuses" http_says 7 "$(printer_port mfp)"
lab_printer_start mfp
lab_cups ws cancel -a # cupsd would print that job again, or not: it depends on when it asks the printer
lab_pdf "$LAB/three.pdf" -t three >/dev/null
lab_lp ws -d direct "$LAB/three.pdf" >/dev/null
check "it comes back on the same port and prints" wait_for 20 prints_is mfp three 1
begun=$(wc -l <"$LAB/mfp/started")
echo media-empty >"$LAB/mfp/reason"
n=$(prints mfp)
put "$(printer_uri mfp)" "$LAB/two.pdf" >/dev/null
wait_for 5 has_started mfp $((begun + 1))
printer_reason() { ipptool -tv "$(printer_uri mfp)" get-printer-attributes.test | grep -q "printer-state-reasons.*$1"; }
check "without paper the printer says so" wait_for 5 printer_reason media-empty
check "and prints nothing" same "$(prints mfp)" "$n"
rm "$LAB/mfp/reason"
check "with paper it goes on" wait_for 5 has_prints mfp $((n + 1))
check "it speaks TLS on the same port" put "$(printer_uri mfp ipps)" "$LAB/two.pdf"
check "and prints that" wait_for 5 has_prints mfp $((n + 2))

lab_printer raster --raster
lab_queue ws raster "$(printer_uri raster)"
lab_lp ws -d raster "$LAB/two.pdf" >/dev/null
check "a printer without PDF gets raster" wait_for 20 grep -q image/pwg-raster "$LAB/raster/prints"
lab_printer rich --rich
lab_queue ws rich "$(printer_uri rich)"
lab_lp ws -d rich -o finishings=20 -o media=A3 "$LAB/two.pdf" >/dev/null
wait_for 10 has_prints rich 1
check "a rich printer staples" same "$(ticket rich 1 FINISHINGS)" staple-top-left
check "on A3" grep -q 'MEDIA_COL=.*x-dimension=29700 y-dimension=42000' "$LAB/rich/ticket.1"

# ---- the relay
lab_printer far
lab_relay net "127.0.0.1:$(printer_port far)"
port=$(relay_port net) uri=ipp://localhost:$(relay_port net)/ipp/print
lab_pdf "$LAB/big.pdf" -n 100 -b 5000000 >/dev/null
check "a relay passes" put "$uri" "$LAB/two.pdf"
check "what it passes is printed" wait_for 5 has_prints far 1
relay net refuse >/dev/null
check "refuse: the port is closed" http_says 7 "$port"
relay net silent >/dev/null
check "silent: connected, no answer" http_says 28 "$port"
check "the relay accepted that" relay_saw net '^connect 2$'
relay net blackhole >/dev/null
check "blackhole: no answer" http_says 28 "$port"
check "not even connected" same "$(curl -s -m 1 -w '%{time_connect}' "http://127.0.0.1:$port/")" 0.000000
check "the relay saw nothing of that" not relay_saw net '^connect 3$'
relay net pass >/dev/null
check "pass: as before" http_says 0 "$port"

relay net cut client 100000 1000000 >/dev/null # libcups repeats a broken Print-Job at once, for ever
check "a cut after 100000 octets breaks the request" not timeout -s KILL 2 ipptool -f "$LAB/big.pdf" "$uri" print-job.test
relay net clear >/dev/null
check "exactly there" relay_saw net '^cut [0-9]* client 100000$'
check "nothing is printed of it" same "$(prints far)" 1
relay net cut server 50 >/dev/null
check "a cut of the server's octets loses the answer" not http "$port"
relay net cut request 0x0006 1 1000 >/dev/null
check "a cut in the first Send-Document leaves other requests alone" not \
	timeout -s KILL 5 ipptool -f "$LAB/big.pdf" "$uri" create-job.test
check "Create-Job had its answer" grep -q '^reply [0-9]* 0x0005 200$' "$LAB/net/events"
check "nothing is printed of that either" same "$(prints far)" 1
lab_printer_restart far # it would wait a minute for that job's document
before=$(relay_stat net client-bytes)
start=$(now_ms)
relay net rate 5000000 >/dev/null
check "with a rate the big one still arrives" put "$uri" "$LAB/big.pdf"
relay net rate 0 >/dev/null
took=$(($(now_ms) - start))
check "5 MB at 5 MB/s take about a second ($took ms)" between "$took" 800 4000
check "the relay counted them" test $(($(relay_stat net client-bytes) - before)) -gt 5000000
wait_for 10 has_prints far 2
check "the big one has 100 pages" same "$(print_pages far 2)" 100

lab_queue ws far "$(printer_uri far)"
lab_cups ws lpadmin -p far -v "$uri"
relay net hold request 0x0006 1 >/dev/null
begun=$(wc -l <"$LAB/far/started")
lab_lp ws -d far "$LAB/one.pdf" >/dev/null
check "cupsd's job is held before Send-Document" wait_for 10 relay_saw net '^held request [0-9]* 0x0006$'
check "the printer knows the job and has no document" never has_started far $((begun + 1))
check "one is held" same "$(relay_stat net held)" 1
relay net resume >/dev/null
check "resumed, it prints" wait_for 10 has_prints far 3
check "once" same "$(prints_of far one)" 1
relay net hold reply 0x0005 1 >/dev/null
two_steps "$uri" "$LAB/two.pdf" >"$LAB/.dropped" 2>&1 &
client=$!
check "the answer to Create-Job is held" wait_for 10 relay_saw net '^held reply [0-9]* 0x0005$'
relay net drop >/dev/null
check "dropped, the client has failed" not wait $client
check "and nothing came out" same "$(prints far)" 3
lab_printer_restart far # it would wait a minute for that job's document
check "a word that is no command is told" not relay net fly

# ---- crashes of cupsd, and what is left after a test
begun=$(wc -l <"$LAB/far/started")
echo 60 >"$LAB/far/slow"
lab_lp ws -d far "$LAB/one.pdf" >/dev/null
wait_for 10 has_started far $((begun + 1))
lab_cupsd_kill9 ws
check "a killed cupsd leaves its backend behind" test -n "$(lab_cupsd_pids ws)"
lab_kill_with "LAB_CUPSD=$LAB/ws."
lab_cupsd_start ws
check "cupsd starts again and knows its queues" lab_cups ws lpstat -a far
lab_cupsd_crash ws
check "a crash leaves nothing of it" same "$(lab_cupsd_pids ws)" ""

env -u STILLPRINT_LAB -u KEEP "$0" hang "$LAB/hanging" >"$LAB/log/hang.log" 2>&1 &
child=$!
wait_for 20 test -s "$LAB/hanging"
other=$(cat "$LAB/hanging")
check "another test runs beside this one" test -n "$(lab_pids_with "STILLPRINT_LAB=$other")"
lab_cupsd_start ws
lab_cupsd_crash ws
check "what we kill by its mark is ours alone" test -n "$(lab_pids_with "LAB_CUPSD=$other/ws.")"
check "and not what only begins with it" same "$(lab_pids_with "MFP_DIR=$LAB/mf")" ""
kill -TERM $child
wait $child
check "interrupted, it fails" same $? 143
check "its processes are gone" same "$(lab_pids_with "STILLPRINT_LAB=$other")" ""
check "its folder is gone" test ! -e "$other"
check "ours are not" lab_alive mfp
plan_done
