#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6210 - the cable is pulled: who was here before gets in by the cache, and nobody waits for a server that cannot be reached;
# plugged in again, the server decides. In network namespaces of the test's own.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
# shellcheck source=tests/system/login.sh
. "$(dirname "$0")/login.sh"

if [ -z "${IN_NETNS:-}" ]; then
	need_root
	unshare -n true 2>/dev/null || skip_all "no network namespaces here"
	exec unshare -n env IN_NETNS=1 "$0"
fi
ip link set lo up
lab_start
lab_spawn far unshare -n sleep 600
other_net() { [ "$(readlink "/proc/$(lab_pid far)/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
wait_for 5 other_net || die "no second namespace"
far() { nsenter -t "$(lab_pid far)" -n "$@"; }
ip link add up0 type veth peer name up1 netns "$(lab_pid far)"
ip addr add 10.99.1.1/24 dev up0
ip link set up0 up
far ip addr add 10.99.1.2/24 dev up1
far ip link set up1 up
far ip link set lo up

# the server, in the other namespace
srv_up()
{
	sed -i 's/^listen = .*/listen = 10.99.1.2/; s/^names = .*/names = 10.99.1.2/' "$LAB/server/server.conf"
	lab_spawn server nsenter -t "$(lab_pid far)" -n setpriv --reuid stillprint --regid stillprint --init-groups \
		env STILLPRINT_SERVER_CONF="$LAB/server/server.conf" "$LAB/bin/stillprint-server" serve
	wait_for 10 srv_answers || die "stillprint-server does not start"
}
srv_answers() { (: </dev/tcp/10.99.1.2/"$SRV_PORT") 2>/dev/null; }

user=spu$$
lab_user "$user"
LAB_USER=$user
lab_printer hall
srv_start
srv_queue Office hall
srv user password "$user" <<<planted-Zq81 >/dev/null || die "password"
LOGIN_REAL=1 login_start
ws_enrol Office "ipps://10.99.1.2:$SRV_PORT"
login_service full 'auth required MODULE' 'account required pam_permit.so' 'session required MODULE'
logs_in() { login_as full "$user" "$1" authenticate; }
decided() { grep "event=login user=$user " "$LAB/log/stillprint-verifier.log" | tail -n 1 | grep -q " result=$1 source=$2"; }
not_asked() { grep -c 'event=login-not-asked' "$LAB/log/stillprintd.log"; }

wait_for 15 test -s "$LAB/state/auth/server-login.pub"
online() { logs_in planted-Zq81 && decided ok server; }
check "with the cable in, the server decides" wait_for 15 online
wait_for 5 test -s "$LAB/state/auth/cache"
ip link set up0 down
check "the cable is pulled" not srv_answers
before=$(not_asked)
start=$(now_ms)
check "who was here before gets in" wait_for 10 logs_in planted-Zq81
note "after $(($(now_ms) - start)) ms, a hash and pamtester included"
check "by the cache" decided ok cache
check "a wrong password does not" not logs_in planted-Wrong
check "nobody was kept waiting for the server" same "$(not_asked)" "$before"
ip addr replace 10.99.1.1/24 dev up0
ip link set up0 up
check "with the cable in again the server decides" wait_for 40 online
plan_done
