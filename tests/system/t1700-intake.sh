#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1700 - what CUPS, its crashes and strangers leave in incoming/: each wanted document becomes one job, in order, under
# its true owner; nothing else becomes one, and nothing there stops the rest.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

export LAB_DIRTY_CLEAN=30 # as stock: what cupsd did in the last half minute is forgotten when it dies
lab_start
need sqlite3 ipptool
lab_tool put-job unseal
lab_printer mfp
ws_start office "$(printer_uri mfp)"
for w in alpha bravo charlie delta echo foxtrot golf hotel india juliet; do
	lab_pdf "$LAB/$w.pdf" -t $w >/dev/null
done
incoming=$LAB/spool/incoming
newest() { store_sql 'select coalesce(max(id), 0) from job'; }
jobs_are() { [ "$(newest)" -ge "$1" ]; }
put() { "$LAB_TOOLS/put-job" "$LAB/spool" "$@" >/dev/null; }
names_in() { find "$1" -mindepth 1 -maxdepth 1 "${@:2}" | wc -l; }
key_is_not() { [ "$(sha256sum <"$LAB/spool/intake.pub")" != "$1" ]; }
keys_are() { [ "$(store_sql 'select count(*) from intake_key')" = "$1" ]; }
spool_empty() { [ "$(names_in "$LAB/spool/jobs")" = 0 ]; }
printed() { [ "$(prints_of mfp "$1")" -ge "$2" ]; } # WORD N

# the daemon is down; the jobs wait on cupsd's disk, so that what it does with them next is forgotten when it dies
lab_cups ws cupsdisable office
first=$(ws_lp -d office "$LAB/alpha.pdf")
second=$(ws_lp -d office "$LAB/bravo.pdf")
lab_cupsd_restart ws
lab_daemon_stop
lab_cups ws cupsenable office
check "daemon down: CUPS takes the job all the same" wait_for 10 job_done ws "$second"
check "daemon down: it waits in incoming" same "$(names_in "$incoming" -name '*.job')" 2
lab_daemon_start
check "daemon up: all of it prints" wait_for 15 all_jobs_are completed 1 2
check "daemon up: once, in order" same "$(printed_order mfp)" "alpha bravo"
check "their owner was checked by cupsd" wait_for 5 owner_verified 1
check "their documents are erased" wait_for 5 spool_empty

# cupsd dies and hands the same jobs over again
lab_cupsd_crash ws
lab_cupsd_start ws
lab_cups ws cupsenable office
check "cupsd killed: it hands both over again" wait_for 15 jobs_are 4
check "cupsd killed: they are known as repeats" same "$(job_state 3) $(job_reason 3)" "repeated handed-over-twice"
check "cupsd killed: nothing is printed twice" same "$(printed_order mfp)" "alpha bravo"
check "cupsd killed: the repeats leave no document behind" wait_for 5 spool_empty
wait_for 10 job_done ws "$second"

# the user's own wish to have it again
nap 1.1 # CUPS tells passes apart by whole seconds
lab_cups ws lp -i "${first##*-}" -H restart >/dev/null
check "lp -i N -H restart: a job that waits for its user" wait_for 20 job_held_for 5 printed-before
check "and does not print by itself" same "$(prints mfp)" 2
check "released, it prints" job_act 5 Release 'a{sv}' 0
check "once more" wait_for 10 printed alpha 2

# several documents, banners
ws_lp -d office "$LAB/charlie.pdf" "$LAB/charlie.pdf" "$LAB/delta.pdf" >/dev/null
check "lp f f g: each document is a job" wait_for 20 all_jobs_are completed 6 7 8
check "in order, the same one twice" same "$(printed_order mfp)" "alpha bravo alpha charlie charlie delta"
ws_lp -d office -o job-sheets=standard,none "$LAB/echo.pdf" >/dev/null
check "a banner and its document" wait_for 20 all_jobs_are completed 9 10
check "the banner is marked, the document is not" same "$(store_sql 'select banner from job where id in (9, 10)' | xargs)" "1 0"

# whose job it is
n=$(newest) out=$(prints mfp)
check "lp -U other is refused by cupsd" not lab_lp ws -U root -d office "$LAB/foxtrot.pdf" </dev/null
check "raw files are refused: nothing of them arrives" wait_for 10 job_done ws "$(ws_lp -d office -o raw "$LAB/foxtrot.pdf")"
check "no job came of either" same "$(newest) $(prints mfp)" "$n $out"
put "$LAB/foxtrot.pdf" host=10.9.8.7 title=foxtrot job-id=900
check "from another computer: held" wait_for 5 job_held_for $((n + 1)) foreign-host
check "its owner is claimed, not verified" not owner_verified $((n + 1))
check "and not printed" same "$(prints mfp)" "$out"
check "until somebody who may says so" job_act $((n + 1)) Release 'a{sv}' 0
check "then it prints" wait_for 10 printed foxtrot 1

# the filter dies
filter=$LAB/ws/bin/filter/stillprint-ticket
mv "$filter" "$LAB/ws/bin/filter/ticket-real"
touch "$LAB/die" && chmod 666 "$LAB/die"
printf '#!/bin/bash\nreal=%s\n[ -e %s ] || exec "$real" "$@"; "$real" "$@" | head -c 900; kill -9 $$\n' \
	"$LAB/ws/bin/filter/ticket-real" "$LAB/die" >"$filter"
chmod 755 "$filter"
n=$(newest)
request=$(ws_lp -d office "$LAB/golf.pdf")
check "filter killed: cupsd tries again" wait_for 10 grep -aq "Job ${request##*-}.*Not stored" "$LAB/ws/log/error_log"
check "filter killed: no half document becomes a job" same "$(newest)" "$n"
rm "$LAB/die"
check "filter killed: the next try prints it" wait_for 20 printed golf 1
mv "$LAB/ws/bin/filter/ticket-real" "$filter"

# strangers: whoever is lp may leave anything there
wait_for 5 spool_empty
n=$(newest)
lab_daemon_stop
mkdir -p "$LAB/other/incoming"
"$LAB_TOOLS/unseal" keys "$LAB/other/secret" "$LAB/other/intake.pub"
"$LAB_TOOLS/put-job" "$LAB/other" "$LAB/hotel.pdf" >/dev/null
mv "$LAB"/other/incoming/*.job "$incoming/00-otherkey.job"
"$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/hotel.pdf" job-id=901 >/dev/null
good=$(find "$incoming" -name '[0-9]*.job' ! -name '*otherkey*')
cp "$good" "$incoming/00-damaged.job"
printf '\377' | dd of="$incoming/00-damaged.job" bs=1 seek=$(($(stat -c %s "$good") - 40)) conv=notrunc 2>/dev/null
head -c 700 "$good" >"$incoming/00-short.job"
cp "$good" "$good.twin.job" # the same document_uuid
: >"$incoming/00-empty.job"
head -c 5000 /dev/urandom >"$incoming/00-noise.job"
truncate -s 3G "$incoming/00-huge.job"
echo secret >"$LAB/secret.txt" && chmod 644 "$LAB/secret.txt"
ln -s "$LAB/secret.txt" "$incoming/00-symlink.job"
sealed() { "$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/$1.pdf" job-id="$2" >/dev/null && mv "$(find "$incoming" -name '[1-9]*.job' -o -name '01*.job' | grep -vF "$good")" "$3"; }
sealed golf 910 "$LAB/linked" && cp "$LAB/linked" "$LAB/linked.was" && ln "$LAB/linked" "$incoming/00-hardlink.job"
sealed golf 911 "$incoming/00-stranger.job"
sealed golf 912 "$LAB/pointed" && ln -s "$LAB/pointed" "$incoming/00-pointing.job"
mkfifo "$incoming/00-fifo.job"
cp "$good" "$incoming/"$'00-line\nbreak\033[31m.job'
cp "$good" "$incoming/$(printf '0%.0s' {1..200}).job"
for i in $(seq 100 160); do mkdir -m 755 "$incoming/0000-$i.job" && touch "$incoming/0000-$i.job/x"; done
chown -hR lp "$incoming"
chown nobody "$incoming/00-stranger.job"
for i in $(seq 1000 1400); do echo noise >"$incoming/00-$i.job"; done
chown lp "$incoming"/00-1*.job
truncate -s 0 "$LAB/log/stillprintd.log"
lab_daemon_start
check "hostile files: the one good document among them prints" wait_for 20 printed hotel 1
nothing_left() { [ "$(find "$incoming" -mindepth 1 -maxdepth 1 ! -type d -name '00*.job' | awk 'length < 200' | wc -l)" = 0 ]; }
check "hostile files: none of them stays in the way" wait_for 20 nothing_left
check "hostile files: the good document is one job, and nothing else is" same "$(newest) $(prints_of mfp hotel)" "$((n + 1)) 1"
check "hostile files: nor does another's document print under a link" same "$(prints_of mfp golf)" 1
check "hostile files: what a link points to is untouched" same "$(<"$LAB/secret.txt") $(cmp "$LAB/linked" "$LAB/linked.was" && echo same)" "secret same"
check "hostile files: what is kept to be looked at has a limit" test "$(names_in "$LAB/spool/corrupt")" -le 256
check "hostile files: the log stays one line each" not grep -q $'\033' "$LAB/log/stillprintd.log"
spins() { awk '{ print $14 + $15 }' "/proc/$(lab_pid stillprintd)/stat"; }
before=$(spins)
nap 1.5
check "hostile files: the daemon rests again" test $(($(spins) - before)) -le 20
ws_lp -d office "$LAB/india.pdf" >/dev/null
check "hostile files: printing goes on" wait_for 10 printed india 1

# words from outside
put "$LAB/juliet.pdf" job-id=902 "title=$(printf '\377\033[31m\xe2\x80\xae x')" "owner=$(printf 'an\377na')" "queue=$(printf 'of\377\n/../x')"
n=$((n + 3))
check "words that are no text: held, since there is no such queue" wait_for 5 job_held_for $n no-queue
check "words that are no text: the bus still answers for all jobs" \
	lab_bus_call org.stillprint /org/stillprint org.freedesktop.DBus.ObjectManager GetManagedObjects

# keys change
old=$(sha256sum <"$LAB/spool/intake.pub")
lab_daemon_stop
sqlite3 "$LAB/state/store.db" 'update intake_key set made_s = made_s - 100000'
chown stillprint: "$LAB"/state/*
lab_daemon_start
check "a new intake key after a day" wait_for 5 keys_are 2
wait_for 5 key_is_not "$old"
new=$(sha256sum <"$LAB/spool/intake.pub")
lab_daemon_restart
check "and it stays the one in use after a restart" same "$(sha256sum <"$LAB/spool/intake.pub")" "$new"
put "$LAB/juliet.pdf" job-id=903
check "what is sealed to it is read" wait_for 10 printed juliet 1
plan_done
