#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6101-who-mutant - t6100 can fail: with a PAM module that always answers PAM_IGNORE nobody is verified, and it says so.
# run-tests: deadline 300
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start
need cc pamtester
cat >"$LAB/ignore.c" <<-'EOF'
	#include <security/pam_modules.h>
	#define ALWAYS(fn) int fn(pam_handle_t *h, int f, int n, const char **v) { (void)h, (void)f, (void)n, (void)v; return PAM_IGNORE; }
	ALWAYS(pam_sm_authenticate) ALWAYS(pam_sm_setcred) ALWAYS(pam_sm_acct_mgmt)
	ALWAYS(pam_sm_open_session) ALWAYS(pam_sm_close_session) ALWAYS(pam_sm_chauthtok)
EOF
check "the mutant builds" cc -shared -fPIC -o "$LAB/ignore.so" "$LAB/ignore.c"
env -u STILLPRINT_LAB -u STILLPRINT_CONF -u STILLPRINT_STATE -u STILLPRINT_SPOOL -u STILLPRINT_RUN -u DBUS_SYSTEM_BUS_ADDRESS \
	HOME=/root LAB_USER=nobody STILLPRINT_PAM_MODULE="$LAB/ignore.so" "$LAB_HERE/t6100-who.sh" >"$LAB/tap" 2>&1
check "the suite is red" test $? -ne 0
check "it came to its end" grep -q '^1\.\.' "$LAB/tap"
red=$(grep -c '^not ok' "$LAB/tap")
note "$red of $(sed -n 's/^1\.\.//p' "$LAB/tap") checks fail"
check "for the job of who logged in" grep -q "^not ok .* the job of who logged in is his account's at the server, verified" "$LAB/tap"
check "and for the one that waits for a login" grep -q '^not ok .* then it goes on by itself, verified' "$LAB/tap"
check "what is claimed is as before" grep -q "^ok .* nobody is logged in: the server's name is by the rules, and claimed" "$LAB/tap"
plan_done
