#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6520-intake-keys - the key that documents are sealed to changes each day; what was sealed to the former one is still
# taken; two days later its octets are nowhere on the disk, and who has copied a document before cannot open it with them.
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"

lab_start
need sqlite3 python3
lab_tool put-job unseal
lab_printer mfp
ws_start office "$(printer_uri mfp)"
lab_pdf "$LAB/alpha.pdf" -t alpha >/dev/null
lab_pdf "$LAB/bravo.pdf" -t bravo >/dev/null
incoming=$LAB/spool/incoming
keys_are() { [ "$(store_sql 'select count(*) from intake_key')" = "$1" ]; }
key_is_not() { [ "$(sha256sum <"$LAB/spool/intake.pub")" != "$1" ]; }
put() { "$LAB_TOOLS/put-job" "$LAB/spool" "$@" >/dev/null; }
printed() { [ "$(prints_of mfp "$1")" -ge "$2" ]; } # WORD N
secret_of() { store_sql "select hex(secret_key) from intake_key order by id limit 1"; }
# files of state and spool, whatever is in them, that hold these octets
found() { python3 - "$1" "$LAB/state" "$LAB/spool" <<-'END'
	import os, sys
	octets, text = bytes.fromhex(sys.argv[1]), sys.argv[1].lower().encode()
	for top in sys.argv[2:]:
	    for folder, _, names in os.walk(top):
	        for name in names:
	            path = os.path.join(folder, name)
	            if not os.path.isfile(path) or os.path.islink(path):
	                continue
	            data = open(path, "rb").read()
	            if octets in data or text in data.lower():
	                print(path)
	END
}
gone() { [ -z "$(found "$1")" ]; }
later() { # SECONDS - as if so much time had passed since the keys were made
	sqlite3 "$LAB/state/store.db" "update intake_key set made_s = made_s - $1" && chown stillprint: "$LAB"/state/*
}

wait_for 5 keys_are 1 || die "no key"
first=$(secret_of)
public=$(sha256sum <"$LAB/spool/intake.pub")
check "the search finds a key that is there" eval 'found "$first" | grep -q store.db'

# ---- a day: sealed just before, taken just after
lab_daemon_stop
put "$LAB/alpha.pdf" job-id=1
stored=$(find "$incoming" -name '*.job')
cp "$stored" "$LAB/stolen.job"
later 90000
lab_daemon_start
check "a day later there is another key" wait_for 10 key_is_not "$public"
check "what was sealed to the former one prints" wait_for 20 printed alpha 1
check "both are kept: somebody may be writing yet" keys_are 2
second=$(store_sql "select hex(secret_key) from intake_key order by id desc limit 1")
put "$LAB/bravo.pdf" job-id=2
check "what is sealed to the new one prints" wait_for 20 printed bravo 1

# ---- the control: with the state as it was, the copy opens
printf '%s' "$(store_sql "select hex(secret_key) || hex(public_key) from intake_key order by id limit 1")" >"$LAB/hex"
open_with() { # HEX of secret and public half
	python3 -c 'import sys; s = bytes.fromhex(sys.argv[1]); open(sys.argv[2], "wb").write(s[32:] + s[:32])' "$1" "$LAB/pair" &&
		"$LAB_TOOLS/unseal" show "$LAB/pair" "$LAB/stolen.job" >/dev/null 2>&1; }
check "who has the copy and the key reads it" open_with "$(<"$LAB/hex")"

# ---- one that cannot be taken keeps nothing alive; one that is being written does
lab_daemon_stop
later 100000
: >"$incoming/.half" && chown lp "$incoming/.half"
lab_daemon_start
check "a third one" wait_for 10 keys_are 3
check "while somebody is writing, none goes" eval 'wait_for 10 daemon_log "event=started" || true; keys_are 3'
rm "$incoming/.half"
put "$LAB/alpha.pdf" job-id=3
check "then the old ones go" wait_for 30 keys_are 2
check "the first one's octets are in no file any more" wait_for 15 gone "$first"
check "the one of a day ago is kept" eval '! gone "$second"'

# ---- what is left opens nothing of before
opens=0
while read -r pair; do
	open_with "$pair" && opens=$((opens + 1))
done < <(store_sql "select hex(secret_key) || hex(public_key) from intake_key")
check "no key that is left opens the copy" same "$opens" 0
lab_daemon_kill9
check "nor does a crash bring it back" gone "$first"
lab_daemon_start
put "$LAB/bravo.pdf" job-id=4
check "printing goes on" wait_for 20 printed bravo 2
check "still in no file" gone "$first"
plan_done
