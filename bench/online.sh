#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# online.sh - what a login by PAM costs beside its hash, and whom it keeps waiting: `metric<TAB>value<TAB>limit`, on stdout.
# docs/bench.md says what each line means.  RUNS is how often each login is timed.
[ "$(id -u)" -eq 0 ] || { echo "bench: please run it as root (sudo make bench-online)" >&2 && exit 1; }
cd "$(dirname "$0")/.." || exit 1
. tests/system/lib.sh
. tests/system/workstation.sh
. tests/system/server.sh
. tests/system/login.sh
RUNS=${RUNS:-15} CROWD=${CROWD:-50} ACCOUNTS=${ACCOUNTS:-10000}

say() { echo "# $*" >&2; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
row() { printf '%s\t%s\t%s\n' "$@"; }
rank() { sort -n | awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p + 0.999999); print v[i < 1 ? 1 : i] }'; } # P: 0.5, 0.99
minus() { awk -v a="$1" -v b="$2" -v c="${3:-0}" 'BEGIN { printf "%.1f", a - b - c }'; }
ms() { awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'; }

lab_start
need sqlite3
anna=spa$$
lab_user "$anna"
LAB_USER=$anna
lab_printer hall
srv_start
srv_queue Office hall
srv user add anna <<<planted-Anna-81 >/dev/null || die "account"
LOGIN_REAL=1 login_start
printf '[map]\n%s = anna\n' "$anna" >>"$LAB/etc/login.conf"
login_verifier_stop
login_verifier_start
login_service full 'auth required MODULE timeout=20000'
login_service none 'auth required pam_permit.so'
lab_tool login-fill bus-ping
ws_enrol Office
knows() { logs_in full && decided server; }
logs_in() { login_as "$1" "$anna" planted-Anna-81 authenticate >/dev/null 2>&1; }
decided() { tail -n 1 "$LAB/log/stillprint-verifier.log" | grep -q "result=ok source=$1"; }
wait_for 30 knows || die "no login by the server"

# beside_hash SOURCE HASH - how long a login takes that SOURCE decides, with pamtester's own time and the hash by turns; sets
# $took and $beside, the medians of the login and of what is left of it, in ms. HASH: a verifier or a cost.
beside_hash()
{
	local i start none login hash
	: >"$LAB/times" && : >"$LAB/rest"
	for ((i = 0; i < RUNS; i++)); do
		start=$(now_us)
		logs_in none || die "pamtester"
		none=$(ms $(($(now_us) - start)))
		start=$(now_us)
		logs_in full || die "a login failed"
		login=$(ms $(($(now_us) - start)))
		decided "$1" || die "not decided by the $1: $(tail -n 1 "$LAB/log/stillprint-verifier.log")"
		hash=$("$LAB_TOOLS/login-fill" hash "$2")
		echo "$login" >>"$LAB/times"
		minus "$login" "$none" "$hash" >>"$LAB/rest" && echo >>"$LAB/rest"
	done
	took=$(rank 0.5 <"$LAB/times") beside=$(rank 0.5 <"$LAB/rest")
}

# beside NAME COMMAND... - the longest answer of the bus while the command runs, and the median
beside()
{
	local name=$1 probe
	shift
	rm -f "$LAB/stop"
	"$LAB_TOOLS/bus-ping" org.stillprint /org/stillprint org.stillprint.Manager1 Status "$LAB/stop" >"$LAB/bus" &
	probe=$!
	"$@"
	: >"$LAB/stop"
	wait $probe || die "the bus does not answer"
	read -r worst median calls <"$LAB/bus"
	row "D-Bus answer $name, longest of $calls, ms" "$worst" 100
	row "D-Bus answer $name, median, ms" "$median" -
}
crowd()
{
	local i pids=()
	for ((i = 0; i < CROWD; i++)); do { logs_in full || echo failed >>"$LAB/failed"; } & pids+=($!); done
	wait "${pids[@]}"
}

say "online"
verifier=$(srv_sql "SELECT hash FROM account WHERE name = 'anna'")
beside_hash server "$verifier"
row "one hash at the server, ms" "$("$LAB_TOOLS/login-fill" hash "$verifier")" -
row "online login through PAM, ms" "$took" -
row "of it beside pamtester and the server's hash, ms" "$beside" 150

say "a crowd of $CROWD"
: >"$LAB/failed"
beside "idle" nap 2
start=$(now_us)
beside "while $CROWD log in" crowd
row "$CROWD logins at once, all, ms" "$(ms $(($(now_us) - start)))" -
row "of them refused" "$(wc -l <"$LAB/failed")" 0

say "offline, $ACCOUNTS accounts"
install -m 755 "$LAB_TOOLS/login-fill" "$LAB/bin/"
as stillprint "$LAB/bin/login-fill" "$LAB/state/auth" "$LAB/server/state" "$ACCOUNTS" || die "no sync file"
"$LAB_TOOLS/login-ask" "$LOGIN_SOCK" sync | grep -q '^1' || die "the sync file is not taken: $(tail -n 2 "$LAB/log/stillprint-verifier.log")"
cached=$(sed -n 's/.*accounts=\([0-9]*\).*/\1/p' "$LAB/log/stillprint-verifier.log" | tail -n 1)
row "accounts in the cache" "$cached" -
cost=$(cat "$LAB/state/auth/cost")
row "one hash here, cost $cost, ms" "$("$LAB_TOOLS/login-fill" hash "$cost")" -
kill -STOP "$(lab_pid server)"
start=$(now_us)
logs_in full || die "the first login"
row "first login to a server that says nothing, ms" "$(ms $(($(now_us) - start)))" -
beside_hash cache "$cost"
row "offline, a server that says nothing, beside pamtester and a hash, ms" "$beside" 300
kill -CONT "$(lab_pid server)"
srv_crash
wait_for 20 daemon_log 'event=server-link-lost' || die "not seen as lost"
beside_hash cache "$cost"
row "offline, a server that is gone, beside pamtester and a hash, ms" "$beside" 300

say "a slow disk"
cat >"$LAB/slow.c" <<'END'
#include <dlfcn.h>
#include <unistd.h>
static int slow(const char *name, int fd) { usleep(2000000); return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd); }
int fsync(int fd) { return slow("fsync", fd); }
int fdatasync(int fd) { return slow("fdatasync", fd); }
END
cc -shared -fPIC -D_GNU_SOURCE -o "$LAB/slow.so" "$LAB/slow.c" -ldl && chmod 755 "$LAB/slow.so" || die "no shim"
login_verifier_stop
lab_spawn_as stillprint stillprint-verifier env LD_PRELOAD="$LAB/slow.so" "$LAB/bin/stillprint-verifier"
wait_for 30 login_answers || die "the slow verifier"
start=$(now_us)
slow() { logs_in full || die "a login on a slow disk failed"; }
beside "while the verifier's fsync takes 2 s" slow
row "that login, ms" "$(ms $(($(now_us) - start)))" -
lab_planned=1
