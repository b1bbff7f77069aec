#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7268-admin.sh - `check` fails when nothing can be printed; Ctrl-C at a password prompt leaves the terminal as it was; two
# backups at once are both whole.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machines.sh"
need jq script sqlite3

lab_start
server_start
finding() { server check --json | jq -e --arg what "$1" --arg result "$2" 'any(.checks[]; .what == $what and .result == $result)' >/dev/null; }

check "all is well" server check
check "a queue without a default device is well as long as there are devices" server queue add Loose
check "so says check" server check
server queue remove Loose >/dev/null
server queue add Fast --release direct >/dev/null 2>&1
check "a queue that prints at once and has no device is wrong" not server check
check "and named" finding queue wrong
server queue remove Fast >/dev/null
server queue set Office --device '' >/dev/null
server device remove mfp >/dev/null
check "without any device a queue is wrong" not server check
server device add mfp ipp://127.0.0.1:9/ipp/print --no-probe >/dev/null && server queue set Office --device mfp >/dev/null
check "mended" server check
server_stop
check "a service that does not run is wrong" not server check
check "and named" finding port wrong
server_run

# ---- Ctrl-C
mkfifo "$LAB/keys"
cat >"$LAB/terminal" <<-X
	trap : INT
	"$LAB/bin/stillprint-server" user add carl
	echo "\$?" >"$LAB/ended"
	stty -a >"$LAB/stty"
X
(setsid script -qfc "bash $LAB/terminal" "$LAB/typescript" <"$LAB/keys" >/dev/null 2>&1 &)
exec {keys}>"$LAB/keys"
check "it asks for a password" wait_for 10 grep -qi 'password' "$LAB/typescript"
quiet() { grep -aq . "$LAB/typescript" && stty -a -F "$(terminal_of)" | grep -q -- ' -echo '; }
terminal_of() { readlink "/proc/$(pgrep -f "^$LAB/bin/stillprint-server user add carl" | head -n 1)/fd/0"; }
check "without echo" wait_for 10 quiet
printf '\003' >&"$keys"
check "Ctrl-C ends it" wait_for 10 test -s "$LAB/stty"
check "and the terminal has its echo again" grep -q ' echo ' "$LAB/stty"
check "nobody was added" same "$(server user list --json | jq '[.. | strings | select(. == "carl")] | length')" 0
exec {keys}>&-

# ---- two backups at once
server backup "$LAB/one" >/dev/null 2>"$LAB/one.said" &
first=$!
server backup "$LAB/two" >/dev/null 2>"$LAB/two.said"
check "of two backups at once the one is made" same "$?" 0
wait "$first"
check "and the other" same "$?" 0
for copy in one two; do
	check "$copy is whole" same "$(sqlite3 "$LAB/$copy" 'PRAGMA integrity_check; SELECT count(*) > 2 FROM backup_file')" "$(printf 'ok\n1')"
done
check "nothing is left of them in the state folder" test ! -e "$SERVER_STATE/backup.new"
plan_done
