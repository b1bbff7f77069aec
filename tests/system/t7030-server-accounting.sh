#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7030 - accounting batches over the wire: once each, gaps told, a conflict closes the ledger; and what the administrator sees.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/machines.sh
. "$(dirname "$0")/machines.sh"

lab_start
lab_tool ipp-batch
server_start
server_machine one
server_machine two
batch() # MACHINE LEDGER FIRST COUNT [WORD] - sent as curl sends it; the answer in a line
{
	"$LAB_TOOLS/ipp-batch" write "${@:2}" |
		curl -s --data-binary @- -H 'Content-Type: application/ipp' "$(machine_http "$1" /ipp/system)" |
		"$LAB_TOOLS/ipp-batch" show
}
ledger=$(new_uuid) other=$(new_uuid)

check "records are taken" same "$(batch one "$ledger" 1 3)" 'status=0x0000 acknowledged=3 accepted accepted accepted'
check "what comes twice is there once" same "$(batch one "$ledger" 2 3)" 'status=0x0000 acknowledged=4 duplicate duplicate accepted'
gap=$(batch one "$ledger" 7 2)
check "a gap takes nothing, and says what is here" grep -q '^status=0x0000 acknowledged=4' <(echo "$gap")
check "and accepts none of it" not grep -q accepted <(echo "$gap")
check "a ledger is its machine's" same "$(batch two "$ledger" 5 1)" 'status=0x0403'
n=$(server ledger export --format json | wc -l)
check "four are kept" same "$n" 4
check "after kill -9 too" eval 'server_kill9; server_run; [ "$(server ledger export --format json | wc -l)" = 4 ]'
check "they add up" sh -c "'$LAB/bin/stillprint-server' ledger sum --json | jq -e '.totals[0] | .key == \"anna\" and .prints == 4 and .impressions == 8 and .sheets == 4'"
check "as a table for spreadsheets" same "$(server ledger export | head -n 2 | tail -n 1 | cut -d, -f3,7-9)" '"anna","device-reported",2,1'
check "without titles" not grep -q 'a title' <(server ledger export && server ledger export --format json)
check "every chain is whole" server ledger verify
check "another record in the same place is a conflict" grep -q conflict <(batch one "$ledger" 4 1 bert)
check "which closes the ledger" sh -c "'$LAB/bin/stillprint-server' ledger list --json | jq -e '.ledgers[0].closed > 0'"
check "a new one goes on" same "$(batch one "$other" 1 1)" 'status=0x0000 acknowledged=1 accepted'
server device revoke "$(<"$LAB/one.uuid")" >/dev/null
check "a revoked machine records nothing" same "$(batch one "$other" 2 1)" 'status=0x0403'
server_stop
tampered() { sqlite3 "$SERVER_STATE/server.db" "$1"; }
tampered "DROP TRIGGER ledger_record_same; UPDATE ledger_record SET impressions = 1 WHERE id = 2" || die "no way to tamper"
check "a changed row is found" not server ledger verify
plan_done
