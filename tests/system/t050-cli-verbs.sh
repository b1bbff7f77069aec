#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t050-cli-verbs - the command line against a stand-in for the daemon: what it asks, shows, and how it ends.
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2154
. "$(dirname "$0")/lib.sh"

lab_start
lab_tool fake-bus
need python3
export STILLPRINT_CONF=$LAB/etc/stillprint.conf COLUMNS=80
out=$LAB/out asked=$LAB/asked
: >"$asked"

fake_start() { lab_spawn fake env "$@" "$LAB_TOOLS/fake-bus" "$asked" && wait_for 5 lab_bus_has org.stillprint; }
fake_stop() { lab_end fake; }

# exits CODE COMMAND... - it ends with that code; stdout in $out, stderr in $out.err
exits()
{
	local code=$1 rc
	shift
	"$@" >"$out" 2>"$out.err"
	rc=$?
	[ "$rc" -eq "$code" ] || { echo "exit $rc, not $code: $*" && cat "$out" "$out.err" && return 1; }
}
says() { grep -qF -- "$1" "$out" "$out.err" || { echo "does not say: $1" && cat "$out" "$out.err" && return 1; }; }
asks() { grep -qxF -- "$1" "$asked" || { echo "did not ask: $1" && tail -n 5 "$asked" && return 1; }; }
narrow() { python3 -c '
import sys, unicodedata
for line in open(sys.argv[1], encoding="utf-8"):
    n = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.rstrip("\n"))
    if n > 80: sys.exit("%d columns: %s" % (n, line))' "$out"; }
harmless() { ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae|\xc2[\x80-\x9f]' "$out" "$out.err"; }
is_json() { python3 -c 'import json, sys
s = open(sys.argv[1], "rb").read(); s.decode("ascii"); json.loads(s)' "$out"; }
field() { python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$out" "$1"; }

# ---- without a daemon

no_daemon() { exits 4 stillprint "$@" && says "systemctl start stillprintd" && says "Nothing is lost"; }
check "without a daemon, jobs says how to start it and that nothing is lost" no_daemon jobs
check "so do the verbs that act" no_daemon cancel 12
no_daemon_json() { exits 4 stillprint jobs --json && is_json && same "$(field error.name)" no-daemon; }
check "and --json has the error as an object" no_daemon_json

# ---- words

for words in "statsu|status" "jbos|jobs" "relaese 12|release" "outage strat|start" "fallback ad x|add"; do
	# shellcheck disable=SC2086
	suggests() { exits 2 stillprint ${words%|*} && says "did you mean \"${words#*|}\"?"; }
	check "\"${words%|*}\" gets a suggestion" suggests
done
wrong_usage() { exits 2 stillprint "$@" && [ ! -s "$out" ]; }
for words in "why" "why x" "why 1 2" "cancel" "cancel 12 x" "release 12 --printed --here" "jobs --prinetr" "outage" \
	"outage start --until 25:00" "outage start --until soon" "usage --from tomorrow --to yesterday" "fallback add"; do
	# shellcheck disable=SC2086
	check "\"$words\" is wrong usage" wrong_usage $words
done
help_ok() { exits 0 stillprint "$@" && [ -s "$out" ] && narrow; }
check "--help tells the verbs, within 80 columns" help_ok --help
for verb in $(stillprint --help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	check "$verb --help fits 80 columns" help_ok "$verb" --help
done
check "--version tells the version" help_ok --version

# ---- with one

fake_start FAKE_QUEUE=Office || die "no fake bus"
looks() { exits 0 stillprint "$@" && narrow && harmless && says "$text"; }
text="Connection refused by every address" check "status shows the queues and what is wrong" looks status
text="waiting for you to choose a printer" check "jobs shows why a job waits" looks jobs
text="stillprint release 12" check "why tells the next step with the job's number" looks why 12
text="You print as anna@example.org, verified" check "whoami tells the account" looks whoami
text="not verified" check "why tells an owner that is only claimed" looks why 13
text="used before" check "fallback lists the printers in order" looks fallback list
text="2 not accounted at server" check "usage counts what is not accounted at the server" looks usage
jsons() { exits 0 stillprint "$@" --json && is_json && harmless; }
for words in status whoami jobs "jobs --all" "why 12" "fallback list" usage "release 12" "print-again 13" "cancel 12" \
	"outage start" "outage stop" "trust ipps://mfp/ipp/print" "fallback add 10.1.2.3" "fallback remove 10.1.2.3"; do
	# shellcheck disable=SC2086
	check "$words --json is one JSON document" jsons $words
done
why_fields() { jsons why 12 && same "$(field reason)/$(field state)/$(field next)" \
	"server-lost/held/Print at a fallback printer: stillprint release 12; give it up: stillprint cancel 12"; }
check "why --json has code, state and next step" why_fields

acts() { exits 0 stillprint "$@" && asks "$wanted"; }
wanted="Release 12 'printer' '10.1.2.3' 'at-printer' true" \
	check "release passes printer and presence" acts release 12 --printer 10.1.2.3 --at-printer
wanted="Release 13 'printed' true" check "release --printed closes an unknown one" acts release 13 --printed
wanted="PrintAgain 13 'printer' 'cups:Label'" check "print-again passes the printer" acts print-again 13 -p cups:Label
wanted="FallbackAdd 'Office' '10.1.2.3'" check "fallback add passes queue and address" acts fallback add 10.1.2.3 -q Office
wanted="Jobs 'all' true 'users' true 'queue' 'Office'" check "jobs passes its filter" acts jobs --all --users -q Office
until=$(date -d 'tomorrow 08:15' +%s)
wanted="OutageStart 'Office' $until 'New server'" check "outage start passes local time as UTC" \
	acts outage start --until "$(date -d @"$until" +%FT%H:%M)" -m "New server" --queue Office

one_of_three() { exits 1 stillprint cancel 12 11 77 && says "Job 11: The job is over." && says "There is no job 77"; }
check "cancel goes on after a job that cannot be cancelled" one_of_three
gone() { exits 3 stillprint why 77 && says "There is no job 77 of yours"; }
check "a job that is not there ends with 3" gone
forbidden() { exits 5 stillprint fallback add forbidden.example.org && says "allows no printers of users"; }
check "what policy forbids ends with 5" forbidden
dead() { exits 1 stillprint fallback add dead.example.org && says "does not answer"; }
check "a printer that does not answer ends with 1" dead

csv() { exits 0 stillprint usage --not-accounted --csv "$LAB/usage.csv" && python3 - "$LAB/usage.csv" <<-'EOF'
	import csv, sys
	rows = list(csv.DictReader(open(sys.argv[1], newline="")))
	assert len(rows) == 2 and all(r["not_accounted_at_server"] == "yes" for r in rows), rows
	assert rows[0]["title"].startswith("'="), rows[0]["title"]  # no formula
	assert rows[1]["impressions"] == "", rows[1]
EOF
}
check "usage exports CSV that a spreadsheet takes for text" csv
private() { same "$(stat -c %a "$LAB/usage.csv")" 600; }
check "and only its owner may read it" private
no_server() { exits 0 stillprint usage && ! grep -q "AT SERVER" "$out" && jsons usage && same "$(field acknowledged)" 0; }
check "usage without a server of our own does not speak of one" no_server

fake_stop

# ---- hostile text, wherever it may come from

fake_start FAKE_HOSTILE=1 FAKE_BAD=1
for words in status whoami jobs "jobs --users --all" "why 12" "fallback add 10.1.2.3" usage "usage --csv -" "release 12" check; do
	# shellcheck disable=SC2086
	stillprint $words >"$out.raw" 2>"$out.err"
	sed 's/\r$//' "$out.raw" >"$out" # CSV lines end so
	check "hostile text does no harm in $words" harmless
done
hostile_json() { exits 0 stillprint "$@" --json && is_json && harmless; }
check "nor in jobs --json" hostile_json jobs
latin() { LC_ALL=C exits 0 stillprint jobs && ! LC_ALL=C grep -q '[^ -~]' "$out"; }
check "in the C locale all of it is ASCII" latin
fake_stop

fake_start FAKE_SERVER=1
at_server() { exits 0 stillprint usage && narrow && says "AT SERVER" && grep -q ' yes$' "$out" && same "$(grep -c ' \*$' "$out")" 2; }
check "usage marks what a server of our own has acknowledged" at_server
marked() { jsons usage && same "$(field acknowledged)/$(field rows.0.acknowledged)/$(field rows.1.acknowledged)" "1/True/False"; }
check "and so does its JSON" marked
marked_csv() { exits 0 stillprint usage --csv - && same "$(head -1 "$out" | tr -d '\r' | sed 's/.*,\([^,]*,[^,]*\)$/\1/') $(tail -n +2 "$out" | tr -d '\r' | sed 's/.*,\([^,]*,[^,]*\)$/\1/' | tr '\n' ' ')" "acknowledged,local_only yes,no no,no no,yes "; }
check "and its CSV" marked_csv
fake_stop

fake_start FAKE_DENY=1
denied() { exits 5 stillprint outage start && says "Only root"; }
check "what the daemon denies ends with 5" denied
fake_stop
fake_start FAKE_EMPTY=1
empty() { exits 0 stillprint "$1" && says "$2"; }
check "status without queues says how to make one" empty status "stillprint setup"
check "jobs without jobs says so" empty jobs "No jobs wait"
check "fallback without printers says so" empty fallback "No fallback printers"
full() { stillprint jobs --json >/dev/full 2>"$out.err"; same $? 1; }
check "an answer that cannot be written is a failure" full
plan_done
