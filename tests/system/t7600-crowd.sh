#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7600 - ten thousand subscriptions of one machine are refused beyond its share, and the others notice nothing of it.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"

need_root
lab_start
lab_printer hall
lab_tool crowd
srv_start
srv_queue Office hall
coproc ROWD { exec "$LAB_TOOLS/crowd" "$LAB/server/state" "$SRV_PORT" 8 80 2>"$LAB/crowd.said"; }
crowd() { echo "$*" >&"${ROWD[1]}"; } # what it is told
hear() { read -r -u "${ROWD[0]}" heard || heard="nothing: $(cat "$LAB/crowd.said")"; }
# shellcheck disable=SC2053
says() { [[ $heard == $1 ]] || { note "the crowd said $heard" && false; }; }

hear
check "eight machines are enrolled" says ready
crowd park && hear
check "eighty polls are parked" says 'parked 80 *'
check "with a subscription each" same "$(srv_sql 'SELECT count(*) FROM subscription')" 80
crowd flood 10000 && hear
check "one machine gets its hundred, and 0x0415 after them" says 'flood 90 9910 0 *'
note "a request of another meanwhile, ms: median, 99th of 100, longest: ${heard#flood * * * }"
check "no more are there" same "$(srv_sql 'SELECT count(*) FROM subscription')" 170
crowd jobs 6 3 && hear
check "the other machines' jobs go on" says 'jobs 18 *'
check "to their end" same "$(srv_sql "SELECT count(*) FROM job WHERE state = 'completed'")" 18
crowd wake
srv maintenance start --message works >/dev/null
hear
check "all eighty polls hear what happens" says 'woken 80 *'
kill "$ROWD_PID"
plan_done
