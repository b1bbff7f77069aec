#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7263-device.sh - after a release the device dies in mid-document, forgets the job, waits for somebody, gives it up, or refuses:
# the job comes back to its user with a reason, here and at the server, and nothing is printed twice by itself.
# run-tests: deadline 200
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/faults.sh"
need ipptool sqlite3 jq

lab_start
lab_printer hall
lab_relay device "localhost:$(printer_port hall)"
lab_cupsd office
lab_queue office mute file:/dev/null raw || die "no queue that refuses"
srv_start
srv device add hall "ipp://localhost:$(relay_port device)/ipp/print" --no-probe >/dev/null || die "device"
srv device add mute "$(cups_uri office mute)" --no-probe >/dev/null || die "device"
srv_queue Office hall
ws_enrol Office
faults_print word1
wait_for 10 job_registered 1
sp release 1 --device hall >/dev/null
wait_for 15 job_is 1 completed || die "the first one does not print"
says() { sp why "$1" | grep -qi -- "$2"; }
server_says() { srv_job "$1" message | grep -qi -- "$2"; }
# big JOB - a document of some megabytes, on its way to a slow device
big()
{
	relay device rate 400000 >/dev/null
	lab_pdf "$LAB/word$1.pdf" -n 30 -b 3000000 -t "word$1" >/dev/null
	ws_lp -d Office "$LAB/word$1.pdf" >/dev/null
	wait_for 15 job_registered "$1" || die "not registered"
	sp release "$1" --device hall >/dev/null
	wait_for 15 job_is "$1" sending || die "not sending"
	wait_for 15 in_the_middle || die "nothing of it has gone"
}
in_the_middle() { [ "$(relay_stat device client-bytes)" -gt $((seen + 400000)) ]; }
whole() { awk -v w="$1" '$6 == w && $3 == 30 { n++ } END { print n + 0 }' "$LAB/hall/prints"; }

# ---- the connection breaks in mid-document; this printer prints what it has got
seen=$(relay_stat device client-bytes)
big 2
relay device drop-all >/dev/null
relay device rate 0 >/dev/null
check "broken in mid-document: its user is asked" wait_for 60 job_is 2 unknown
check "and told that it may have printed" says 2 "may have"
check "the server shows it in doubt" wait_for 20 same_state 2 doubt
check "it is not sent again by itself" same "$(whole word2)" 0
check "its user wants it again" job_act 2 PrintAgain 'a{sv}' 0
check "it prints" wait_for 40 job_is 2 completed
check "whole, once" same "$(whole word2)" 1
check "the server has its end" wait_for 20 same_state 2 completed

# ---- the device dies in mid-document, and knows nothing of it afterwards
seen=$(relay_stat device client-bytes)
big 3
lab_printer_kill9 hall
relay device rate 0 >/dev/null
lab_printer_start hall
check "the device died in mid-document: its user is asked" wait_for 60 job_is 3 unknown
check "the server shows it in doubt" wait_for 20 same_state 3 doubt
n=$(prints hall)
check "its user wants it again" job_act 3 PrintAgain 'a{sv}' 0
check "it prints" wait_for 40 job_is 3 completed
check "once" same "$(whole word3) $(prints hall)" "1 $((n + 1))"

# ---- it dies when it has all of it, and forgets it
echo 30 >"$LAB/hall/slow"
faults_print word4
wait_for 10 job_registered 4
started=$(wc -l <"$LAB/hall/started")
sp release 4 --device hall >/dev/null
wait_for 15 has_started hall $((started + 1)) || die "not started"
lab_printer_kill9 hall
rm "$LAB/hall/slow"
lab_printer_start hall
check "the device has forgotten it: its user is asked" wait_for 60 job_is 4 unknown
check "it is not sent again by itself" same "$(prints_of hall word4)" 0
check "its user says that it printed" job_act 4 Release 'a{sv}' 1 printed b true
check "the server has that end" wait_for 20 same_state 4 completed

# ---- a door is open: the device goes on calling the job "processing", and only of itself it says why it takes so long
echo cover-open >"$LAB/hall/reason"
faults_print word5
wait_for 10 job_registered 5
sp release 5 --device hall >/dev/null
check "a door is open: its user is told so" wait_for 20 says 5 "cover-open"
check "it is still at the device" job_is 5 sent
check "the server says the same" wait_for 20 server_says 5 cover-open
rm "$LAB/hall/reason"
check "closed again, it comes out" wait_for 30 job_is 5 completed
check "once" same "$(prints_of hall word5)" 1

# ---- it gives the job up
touch "$LAB/hall/fail"
faults_print word6
wait_for 10 job_registered 6
sp release 6 --device hall >/dev/null
check "the device gives it up: held, with the reason" wait_for 30 job_held_for 6 aborted-at-device
check "at the server too" wait_for 20 same_state 6 held
check "where its user reads why" test -n "$(srv_job 6 message)"
rm "$LAB/hall/fail"
uri=ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office
cat >"$LAB/release.test" <<'X'
{
	OPERATION Release-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id $job
	STATUS successful-ok
}
X
check "he releases it there once more" ipptool -tI -d job=6 "$uri" "$LAB/release.test"
check "it prints" wait_for 20 job_is 6 completed
check "once" same "$(prints_of hall word6)" 1

# ---- busy with another's document, then free
echo 20 >"$LAB/hall/slow"
faults_print word7
faults_print word8
wait_for 10 job_registered 8
started=$(wc -l <"$LAB/hall/started")
sp release 7 --device hall >/dev/null
wait_for 15 has_started hall $((started + 1))
sp release 8 --device hall >/dev/null
check "a busy device: the second one waits" wait_for 15 same_state 8 claimed
rm "$LAB/hall/slow"
check "both come out" wait_for 60 all_jobs_are completed 7 8
check "once each" same "$(prints_of hall word7) $(prints_of hall word8)" "1 1"

# ---- it refuses
lab_cups office cupsreject mute
faults_print word9
wait_for 10 job_registered 9
sp release 9 --device mute >/dev/null
check "a device that takes no jobs: back to its user" wait_for 30 job_held_for 9 given-back
check "at the server too" wait_for 20 same_state 9 held
check "with the reason" server_says 9 "accept"
check "another device takes it" sp release 9 --device hall
check "and prints it" wait_for 20 job_is 9 completed
check "once" same "$(prints_of hall word9)" 1
check "nine documents, nine ends at the server" wait_for 20 faults_all_completed 9
check "every ledger is whole" srv ledger verify
plan_done
