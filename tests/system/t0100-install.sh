#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0100 - what `make install` puts down prints by itself, and `make uninstall` takes all of it away.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

# mode FILE - its permission bits, below the installed root
mode() { stat -c %a "$LAB/root$1"; }
house() { make -s -C "$LAB_TOP" OUT="$LAB_OUT" DESTDIR="$LAB/root" "$@"; }

units_fit()
{
	local program
	sed -n 's/^ExecStart=//p' "$LAB"/root/usr/lib/systemd/*/stillprint* | while read -r program _; do
		[ -x "$LAB/root$program" ] || { echo "there is no $program" && return 1; }
	done
}

lab_start
check "make install works as a plain command" house install
check "the backend is 0755, so that cupsd runs it as lp" same "$(mode "$LAB_SERVERBIN/backend/stillprint")" 755
check "nothing in it is set-user-id, and only its owner may write" \
	same "$(find "$LAB/root" ! -type l -perm /7022)" ""
check "unit files name installed programs" units_fit
check "no placeholder is left" not grep -rIlE '@[a-z]+dir@' "$LAB/root"

# shellcheck disable=SC2034 # for lab_installed
STILLPRINT_DESTDIR=$LAB/root
touch "$LAB/root/.complete"
lab_installed
lab_printer mfp
ws_start office "$(printer_uri mfp)"
lab_pdf "$LAB/a.pdf" >/dev/null
ws_lp -d office "$LAB/a.pdf" >/dev/null
check "a job goes through the installed tree to the printer" wait_for 10 has_prints mfp 1
check "and its end is known" wait_for 10 job_is 1 completed

house uninstall
rm "$LAB/root/.complete"
check "uninstall leaves no file but the configuration" \
	same "$(cd "$LAB/root" && find . ! -type d ! -path './etc/stillprint/*')" ""
plan_done
