#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7267-many.sh - more jobs of one computer than one message carries: what was canceled at the server while the computer was
# off is canceled here, all of it; and what the computer no longer has is not waited for at the server.
# run-tests: deadline 240
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need ipptool sqlite3 jq

MANY=1300
lab_start
lab_tool put-job
lab_printer hall
srv_start
srv_queue Office hall
srv user add anna <<<anna-pw >/dev/null || die "no user"
ws_enrol Office
lab_pdf "$LAB/page.pdf" -t page >/dev/null
# numbers - how many of ours are held, how many there
held_here() { same "$(store_sql "SELECT count(*) FROM job WHERE state = 'held' AND reason = 'registered'")" "$1"; }
state_here() { same "$(store_sql "SELECT count(*) FROM job WHERE state = '$1'")" "$2"; }
state_there() { same "$(srv_sql "SELECT count(*) FROM job WHERE state = '$1'")" "$2"; }

for ((i = 1; i <= MANY; i++)); do
	"$LAB_TOOLS/put-job" "$LAB/spool" "$LAB/page.pdf" queue=Office title="page $i" job-id="$i" created="$i" \
		owner="$([ $((i % 2)) = 0 ] && echo "$LAB_USER" || echo anna)" || die "put-job"
done
check "$MANY jobs are known at the server" wait_for 120 state_there held $MANY
check "and held here" wait_for 30 held_here $MANY

lab_daemon_stop
cat >"$LAB/cancel.test" <<'X'
{
	OPERATION Cancel-My-Jobs
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri $uri
	STATUS successful-ok
}
X
check "one of two users cancels all of his while the computer is off" \
	ipptool -tI "ipps://anna:anna-pw@localhost:$SRV_PORT/ipp/print/Office" "$LAB/cancel.test"
check "half are canceled there" state_there canceled $((MANY / 2))
# A disk that was restored: the last hundred are not here any more.
sqlite3 "$LAB/state/store.db" "PRAGMA foreign_keys = ON; DELETE FROM job WHERE id > $((MANY - 100))" || die "store"
lab_daemon_start
check "all of them are canceled here" wait_for 60 state_here canceled $((MANY / 2 - 50))
check "the others are held as before" wait_for 30 held_here $((MANY / 2 - 50))
check "nobody waits for those that are gone" wait_for 60 state_there aborted 50
check "the server holds what is here" state_there held $((MANY / 2 - 50))
check "nothing has printed" same "$(prints hall)" 0
plan_done
