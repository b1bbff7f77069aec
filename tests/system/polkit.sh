# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# polkit.sh - the real polkitd on the lab's bus, with the lab's actions and rules in a mount namespace of its own.
# Source lib.sh first.

POLKITD=$(for f in /usr/lib/polkit-1/polkitd /usr/libexec/polkitd /usr/libexec/polkit-1/polkitd; do [ ! -x $f ] || echo $f; done | head -n 1)

# pk_rules - stdin: what stands in the lab's only rules file; before pk_start, or followed by pk_stop and pk_start
pk_rules()
{
	mkdir -p "$LAB/polkit/actions" "$LAB/polkit/rules" "$LAB/polkit/none"
	cp "$LAB_TOP/dbus/daemon/org.stillprint.policy" "$LAB/polkit/actions/"
	cat >"$LAB/polkit/rules/10-lab.rules"
}

pk_start()
{
	[ -n "$POLKITD" ] || skip_all "needs polkitd"
	[ -e "$LAB/bus.d/org.freedesktop.PolicyKit1.conf" ] ||
		lab_bus_policy /usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf >/dev/null || die "bus policy"
	lab_spawn polkitd unshare -m --propagation private bash -c '
		mount --bind "$1/polkit/actions" /usr/share/polkit-1/actions &&
		mount --bind "$1/polkit/rules" /etc/polkit-1/rules.d &&
		mount --bind "$1/polkit/none" /usr/share/polkit-1/rules.d &&
		exec "$2"' - "$LAB" "$POLKITD"
	wait_for 10 lab_bus_has org.freedesktop.PolicyKit1 || die "polkitd does not come up"
}
pk_stop() { lab_end polkitd "${1:-TERM}"; }
