#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0300 - what fuzzing has found: each such document is read to its end, within limits, without the reader dying.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

inspect=$LAB_OUT/bin/stillprint-ticket
seeds=$(dirname "$0")/../fuzz/seeds
survives() {
	"$inspect" --inspect "$1" >/dev/null 2>"$LAB_TMP"
	! grep -q 'died or ran out of time' "$LAB_TMP"
}
LAB_TMP=$(mktemp)
count=0
for f in "$seeds"/found-*; do
	check "$(basename "$f")" survives "$f"
	count=$((count + 1))
done
check "there are as many as are known" test "$count" -ge 12
rm -f "$LAB_TMP"
plan_done
