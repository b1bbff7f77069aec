#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7400 - people at the server: who may log in, how often, across restarts; groups, PINs, cards, lists; who is erased.
# run-tests: deadline 180
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"
need curl jq sqlite3

lab_start
server_start
sql() { sqlite3 "file:$SERVER_STATE/server.db?mode=ro" "$1"; }

# Few wrong passwords are taken from one address, so each try comes from its own: what counts here is the account.
from() { echo "127.$((SRANDOM % 250 + 1)).$((SRANDOM % 250)).$((SRANDOM % 250 + 1))"; }
http() { curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB/ca.crt" "$@"; }
ipp() { http --interface "$(from)" -u "$1:$2" -d x -H 'Content-Type: application/ipp' "https://localhost:$SERVER_PORT/ipp/print/Office"; }
web() { http --interface "$(from)" -d "user=$1" --data-urlencode "password=$2" "https://localhost:$SERVER_WEB_PORT/login"; }
lets_in() { [ "$(ipp "$1" "$2")" != 401 ] && [ "$(web "$1" "$2")" = 303 ]; }
keeps_out() { [ "$(ipp "$1" "$2")" = 401 ] && [ "$(web "$1" "$2")" = 403 ]; }
events() { server audit --user "$1" --event "$2" --limit 1000 --json | jq '.audit | length'; }

# ---- how often
check "who knows the password is let in, by IPP and on the page" lets_in anna anna-pw
check "and nobody else" keeps_out anna wrong
server user unlock anna >/dev/null
tries=0
for round in 1 2 3 4; do
	for _ in 1 2 3 4 5; do
		ipp anna "wrong-$round" >/dev/null
		tries=$((tries + 1))
	done
	case $round in
	1) server_kill9 && server_run ;;
	2) server_restart ;;
	esac
done
looked=$(events anna login-wrong)
note "$tries wrong passwords within seconds, one kill -9 and one restart between them: $((looked - 2)) were looked at"
check "of twenty tries across a crash and a restart five are looked at" same "$((looked - 2))" 5
check "the right password has to wait too" keeps_out anna anna-pw
check "another account does not" lets_in bert bert-pw
server user unlock anna >/dev/null
check "unlock lets the person in at once" lets_in anna anna-pw
for _ in 1 2 3 4 5 6 7 8 9 10; do
	ipp bert wrong >/dev/null
	sqlite3 "$SERVER_STATE/server.db" ".timeout 5000" "UPDATE login_counter SET last_ms = last_ms - 1000000" # time passes
done
check "the tenth one locks" keeps_out bert bert-pw
check "and says so in the audit, once" same "$(events bert login-locked)" 1
server_restart
check "also after a restart" keeps_out bert bert-pw
check "the list shows it" same "$(server user list --json | jq '.users[] | select(.name == "bert").locked')" true
server user unlock bert >/dev/null
check "until somebody unlocks it" lets_in bert bert-pw

# ---- states and names
server user lock anna >/dev/null
check "a locked user is kept out" keeps_out anna anna-pw
server user unlock anna >/dev/null
server user expire anna 2026-01-01 >/dev/null
check "an expired one too" keeps_out anna anna-pw
server user expire anna never >/dev/null
server user alias anna add anna@example.com >/dev/null
check "an alias is the same account" same "$(ipp anna%40example.com anna-pw; ipp anna@example.com anna-pw)" "401$(ipp anna anna-pw)"
check "and nobody else's name" not server user alias bert add anna@example.com
check "nor a new account's" not server user add anna@example.com --no-password
server_machine one
check "a computer speaks for an alias" tool "$(machine_uri one)" "$LAB_HERE/../ipptool/register.test" -d owner=anna@example.com -d uuid="$(new_uuid)"
check "and the job is the account's" same "$(sql 'SELECT owner FROM job')" anna
check "a user who is not there is exit 3" same "$(server user lock nobody >/dev/null 2>&1 || echo $?)" 3

# ---- PINs and cards: never in the database, the log, the audit
pin=$(server user pin anna --generate --json | jq -r .pin)
check "a generated PIN has six digits" grep -qxE '[0-9]{6}' <<<"$pin"
check "nobody else may have it" not server user pin bert <<<"$pin"
check "nor one that anybody would try first" not server user pin bert <<<123456
server user card anna add --label blue <<<04A1B2C3D4E5 >/dev/null
check "nobody else may have a card" not server user card bert add <<<04A1B2C3D4E5
check "a card is listed by its label" same "$(server user card anna list --json | jq -r '.cards[0].label')" blue
server user show anna --json >"$LAB/shown"
server audit --json --limit 1000 >"$LAB/audited"
check "nothing secret is in the database, the log, or what is shown" not grep -rqaE "(^|[^0-9])$pin([^0-9]|$)|04A1B2C3D4E5|anna-pw" \
	"$SERVER_STATE" "$LAB/log/server.log" "$LAB/shown" "$LAB/audited"
check "the pepper is its owner's alone" same "$(stat -c %a "$SERVER_STATE/pepper")" 600

# ---- groups and lists
server group add staff >/dev/null
server group join staff anna >/dev/null
check "who is in a group is listed" same "$(server group show staff --json | jq -r '.members[].name')" anna
server user list --csv --secrets >"$LAB/all.csv"
check "the list read back changes nothing" same "$(server user import "$LAB/all.csv" --json | jq -c '[.added, .changed]')" '[0,0]'
printf '\xef\xbb\xbfname,full_name,groups,cards,disabled\r\ncarl,"Carl ""C"", jr.",staff;it,CAFE0001,no\r\nbert,,it,,yes\r\n' >"$LAB/in.csv"
check "a trial changes nothing" same "$(server user import --dry-run "$LAB/in.csv" --json | jq -c '[.added, .changed]'; sql 'SELECT count(*) FROM account')" $'[1,1]\n2'
check "a list is taken" same "$(server user import "$LAB/in.csv" --json | jq -c '[.added, .changed]')" '[1,1]'
check "with quotes, byte order mark and groups" same "$(sql "SELECT full_name FROM account WHERE name = 'carl'"; server group show it --json | jq -c '[.members[].name]')" \
	$'Carl "C", jr.\n["bert","carl"]'
check "who is disabled in it is kept out" keeps_out bert bert-pw
check "the same list again changes nothing" same "$(server user import "$LAB/in.csv" --json | jq -c '[.added, .changed, .unchanged]')" '[0,0,2]'
printf 'name,groups,expires,disabled\ndora,ok,,\nemil,a/b,,\n,x,,\ndora,,2026-13-40,maybe\nfritz,x\n' >"$LAB/bad.csv"
check "a list with faults is refused whole" not server user import "$LAB/bad.csv"
server user import "$LAB/bad.csv" 2>"$LAB/bad.said"
check "each faulty line is named" same "$(grep -oE 'bad.csv:[0-9]+' "$LAB/bad.said" | sort -u | tr '\n' ' ')" 'bad.csv:3 bad.csv:4 bad.csv:5 bad.csv:6 '
check "and nobody of it came in" same "$(sql "SELECT count(*) FROM account WHERE name IN ('dora', 'emil', 'fritz')")" 0
server user enable bert >/dev/null

# ---- backup and restore
server backup "$LAB/backup" >/dev/null
server user card anna remove all >/dev/null
server_stop
mv "$SERVER_STATE/pepper" "$LAB/pepper"
check "a backup brings people and pepper back" server restore "$LAB/backup"
check "the same pepper" cmp "$SERVER_STATE/pepper" "$LAB/pepper"
server_run
check "passwords are good as before" lets_in anna anna-pw
check "cards are back" same "$(server user card anna list --json | jq '.cards | length')" 1

# ---- timing: names that exist and names that do not, each tried once
for i in $(seq 25); do echo "known$i"; done | sed '1iname' >"$LAB/known.csv"
server user import "$LAB/known.csv" >/dev/null 2>&1
took() { curl -s -o /dev/null -w '%{time_total}\n' --interface "$(from)" --cacert "$LAB/ca.crt" -u "$1:wrong" -d x -H 'Content-Type: application/ipp' "https://localhost:$SERVER_PORT/ipp/print/Office"; }
for i in $(seq 25); do
	took "known$i" >>"$LAB/t.known"
	took "unknown$i" >>"$LAB/t.unknown"
done
for kind in known unknown; do
	sort -n "$LAB/t.$kind" | awk -v k=$kind '{ t[NR] = $1 * 1000 } END { printf "# %s names: least %.1f ms, median %.1f, ninth decile %.1f\n", k, t[1], t[13], t[23] }'
done
check "both were tried as often" same "$(wc -l <"$LAB/t.known")" "$(wc -l <"$LAB/t.unknown")"

# ---- who is erased
check "all that is known of a person is written out" sh -c \
	"'$LAB/bin/stillprint-server' user export anna | jq -e '.account[0].name == \"anna\" and (.audit | length) > 5 and (.cards | length) == 1'"
check "nobody is erased without --yes" not server user erase anna
check "nor while there are jobs that are not over" not server user erase anna --yes
check "and then nothing was changed" lets_in anna anna-pw
sqlite3 "$SERVER_STATE/server.db" ".timeout 5000" "UPDATE job SET state = 'canceled', ended_ms = 1, title = 'annas letter'"
server user erase anna@example.com --yes >/dev/null
check "jobs that are over have neither owner nor title" same "$(sql "SELECT count(*), sum(owner LIKE 'erased-%'), sum(title = '') FROM job")" '1|1|1'
check "the erased one is kept out" keeps_out anna anna-pw
server_stop
check "machines are told by name whom to forget" same "$(sql "SELECT name FROM sync_removed WHERE name LIKE 'anna%'")" anna
sqlite3 "$SERVER_STATE/server.db" "PRAGMA secure_delete = ON" "DELETE FROM sync_removed" >/dev/null
check "but for that the name is in no file of the server any more" not grep -rqa 'anna' "$SERVER_STATE" --exclude='server.db.*'
server_run
check "the audit has its lines still, under a pseudonym" sh -c "'$LAB/bin/stillprint-server' audit --limit 1000 --json | jq -e '[.audit[] | select(.about | startswith(\"erased-\"))] | length > 5'"
check "the ledger's chains are whole" server ledger verify
for change in 'DELETE FROM audit' "UPDATE audit SET detail = 'x'"; do
	check "the audit refuses: $change" not sqlite3 "$SERVER_STATE/server.db" "$change"
done
plan_done
