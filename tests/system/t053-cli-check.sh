#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t053-cli-check - `stillprint check`: each thing that can be wrong is broken once, told, and mended.
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2154
. "$(dirname "$0")/lib.sh"

lab_start
need python3 ippeveprinter cupsd
[ -s "$LAB_PPD" ] || skip_all "needs the queue's PPD"
[ -x "$LAB_BACKEND" ] || skip_all "needs the backend"
lab_tool fake-bus
export STILLPRINT_CONF=$LAB/etc/stillprint.conf STILLPRINT_PPD=$LAB_PPD COLUMNS=80
export CUPS_SERVER STILLPRINT_CUPS_SERVERBIN=$LAB/local/bin
lab_printer mfp
lab_cupsd local "PreserveJobFiles 3d"
CUPS_SERVER=$(cups_socket local)
out=$LAB/out
id stillprint >/dev/null 2>&1 || lab_user stillprint
chown stillprint "$LAB/spool" "$LAB/state" && chmod 711 "$LAB/spool" && chmod 700 "$LAB/state"
install -d -o lp -g stillprint -m 2770 "$LAB/spool/incoming"
stillprint setup Office --upstream "$(printer_uri mfp)" --yes >/dev/null || die "setup does not work"
lab_spawn fake env FAKE_QUEUE=Office "$LAB_TOOLS/fake-bus" "$LAB/asked"
wait_for 5 lab_bus_has org.stillprint || die "no fake bus"

# finds RESULT TEXT - a line of that kind with that text, and the exit code that goes with it
finds()
{
	local rc
	COLUMNS=300 stillprint check >"$out" 2>&1
	rc=$?
	grep -q "^$1 .*$2" "$out" || { echo "no $1 with: $2" && cat "$out" && return 1; }
	same "$rc" "$([ "$1" = wrong ] && echo 1 || echo 0)"
}
well() { stillprint check >"$out" 2>&1 || { cat "$out" && return 1; }; }
check "all is well: exit 0" well
narrow() { ! grep -E '^.{81}' "$out"; }
check "and it fits 80 columns" narrow
json() { stillprint check --json | python3 -c 'import json, sys
a = json.load(sys.stdin)
assert a["ok"] and a["complete"] and all(set(c) >= {"result", "what", "finding", "advice"} for c in a["checks"])
assert any(c.get("target", {}).get("role") == "fallback" for c in a["checks"])'; }
check "--json has each finding" json

check "cupsd's own copies are a warning with their time" finds warning "copies: .*for 3 days"
touch -d '10 min ago' "$LAB/spool/incoming/job"
check "a sealed job that nobody takes is wrong" finds wrong "1 sealed job waits"
rm "$LAB/spool/incoming/job"
chmod 2755 "$LAB/spool/incoming"
check "the wrong mode of incoming is told" finds wrong "incoming has mode 2755"
chmod 2770 "$LAB/spool/incoming"
chown root "$LAB/spool"
check "the wrong owner of the spool is told" finds wrong "spool belongs to others"
chown stillprint "$LAB/spool"
chmod 700 "$LAB/local/bin/backend/stillprint"
check "a backend that would run as root is wrong" finds wrong "backend: .*mode 0700"
chmod 775 "$LAB/local/bin/backend/stillprint"
check "one that others may write is wrong" finds wrong "backend: .*cupsd refuses"
chmod 755 "$LAB/local/bin/backend/stillprint"
mv "$LAB/local/bin/filter/stillprint-ticket" "$LAB/away"
check "a missing filter is wrong" finds wrong "filter: .*No such file"
mv "$LAB/away" "$LAB/local/bin/filter/stillprint-ticket"
lab_cups local lpadmin -p Office -o printer-is-shared=true
check "a shared queue is a warning" finds warning "queue Office: shared"
lab_cups local lpadmin -p Office -o printer-is-shared=false -o printer-op-policy=default
check "a queue that believes any name is a warning" finds warning "does not verify who prints"
lab_cups local lpadmin -p Office -o printer-op-policy=authenticated
lab_cups local cupsdisable Office
check "a stopped queue is wrong" finds wrong "queue Office: stopped in CUPS"
lab_cups local cupsenable Office
lab_cups local lpadmin -p Office -v "$(printer_uri mfp)"
check "a queue that goes past us is wrong" finds wrong "past Stillprint"
lab_cups local lpadmin -p Office -v stillprint:Office
lab_cups local lpadmin -p Stray -v stillprint:Stray -P "$LAB_PPD" -E 2>/dev/null
check "a queue that is not set up is wrong" finds wrong "queue Stray prints to Stillprint"
lab_cups local lpadmin -x Stray
echo "speed = high" >"$LAB/etc/stillprint.conf.d/zz.conf"
check "a bad line of the configuration is told" finds wrong "zz.conf:1"
rm "$LAB/etc/stillprint.conf.d/zz.conf"
check "mended, all is well again" well

user() { as "$LAB_USER" stillprint check >"$out" 2>&1; grep -q "only root can see" "$out" && ! grep -q "^wrong" "$out"; }
check "a user sees what he may, and no false alarm" user
user_harden() { as "$LAB_USER" stillprint check --harden-cups >"$out" 2>&1; same $? 5; }
check "only root hardens" user_harden
harden() { stillprint check --harden-cups >"$out" 2>&1 && grep -q "keeps none any more" "$out" &&
	grep -qx "PreserveJobFiles No" "$LAB/local/etc/cupsd.conf" && ! grep -q 3d "$LAB/local/etc/cupsd.conf"; }
check "--harden-cups ends the copies" harden
backup() { grep -qx "PreserveJobFiles 3d" "$LAB/state/cupsd.conf.before-harden"; }
check "and keeps the configuration as it was" backup
only() { diff <(sed 's/^PreserveJobFiles.*//' "$LAB/state/cupsd.conf.before-harden") \
	<(sed 's/^PreserveJobFiles.*//' "$LAB/local/etc/cupsd.conf"); }
check "nothing else is changed" only
wait_for 10 lab_cupsd_answers local
check "then it is ok" finds ok "copies: cupsd keeps none"

lab_end fake
lab_spawn fake env FAKE_BAD=1 "$LAB_TOOLS/fake-bus" "$LAB/asked"
wait_for 5 lab_bus_has org.stillprint
check "a fallback that does not answer is wrong" finds wrong "fallback .*unreachable: connection refused"
lab_end fake
check "without the daemon that is wrong" finds wrong "print daemon: does not answer"
lab_cupsd_stop local
check "without cupsd, too" finds wrong "cupsd does not answer"
plan_done
