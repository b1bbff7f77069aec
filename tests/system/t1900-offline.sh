#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1900 - it is the workstation that lost its network: that is no outage of the server, and nothing is diverted. A server
# whose packets vanish is one. In network namespaces of the test's own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

# The whole test runs in a namespace of its own; the server's address is on a second one behind a veth.
if [ -z "${IN_NETNS:-}" ]; then
	need_root
	command -v ip >/dev/null && ip netns add sp-probe-$$ 2>/dev/null || skip_all "no network namespaces here"
	ip netns del sp-probe-$$
	exec unshare -n env IN_NETNS=1 "$0"
fi
ip link set lo up
lab_start
ip link add up0 type veth peer name up1
ip addr add 10.99.1.1/24 dev up0
ip link set up0 up
ip link set up1 up
lab_printer spare
lab_pdf "$LAB/a.pdf" -t alpha >/dev/null
lab_pdf "$LAB/b.pdf" -t bravo >/dev/null

# 10.99.1.2 is a server whose packets vanish: a permanent neighbour entry whose MAC nobody owns
ip neigh add 10.99.1.2 lladdr 02:00:00:00:00:99 dev up0 nud permanent
ws_start office ipp://10.99.1.2/ipp/print "fallback = $(printer_uri spare)"
start=$(now_ms)
ws_lp -d office "$LAB/a.pdf" >/dev/null
check "a server whose packets vanish is lost: the job is at the fallback" wait_for 8 has_prints spare 1
note "after $(($(now_ms) - start)) ms"
check "lost" queue_is office lost

ip link set up0 down
check "this computer loses its network: the queue says offline" wait_for 10 queue_is office offline
ws_lp -d office "$LAB/b.pdf" >/dev/null
check "the job waits, with that reason" wait_for 10 job_held_for 2 offline
check "and is not diverted" same "$(prints spare)" 1
ip addr replace 10.99.1.1/24 dev up0
ip link set up0 up
ip neigh replace 10.99.1.2 lladdr 02:00:00:00:00:99 dev up0 nud permanent
check "with the network back, the outage's own rules apply" wait_for 15 has_prints spare 2
plan_done
