#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6020 - the tests of the PAM module can fail: with a module that always answers PAM_IGNORE they do, and say where.
# run-tests: deadline 240
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start
need cc
[ -x "$LAB_OUT/tests/test-pam" ] || skip_all "test-pam is not built"
cat >"$LAB/ignore.c" <<-'EOF'
	#include <security/pam_modules.h>
	#define ALWAYS(fn) int fn(pam_handle_t *h, int f, int n, const char **v) { (void)h, (void)f, (void)n, (void)v; return PAM_IGNORE; }
	ALWAYS(pam_sm_authenticate) ALWAYS(pam_sm_setcred) ALWAYS(pam_sm_acct_mgmt)
	ALWAYS(pam_sm_open_session) ALWAYS(pam_sm_close_session) ALWAYS(pam_sm_chauthtok)
EOF
check "the mutant builds" cc -shared -fPIC -o "$LAB/ignore.so" "$LAB/ignore.c"
STILLPRINT_PAM_MODULE=$LAB/ignore.so "$LAB_OUT/tests/test-pam" >"$LAB/tap" 2>&1
check "the suite is red" test $? -ne 0
check "it came to its end" grep -q '^1\.\.' "$LAB/tap"
red=$(grep -c '^not ok' "$LAB/tap")
note "$red of $(sed -n 's/^1\.\.//p' "$LAB/tap") tests fail"
check "most tests fail" test "$red" -ge 8
check "the session's binding among them" grep -q 'not ok .* a_session_is_bound_from_open_to_close' "$LAB/tap"

so=$LAB_OUT/pam/pam_stillprint.so
check "the real module exports only what PAM calls" \
	same "$(nm -D --defined-only "$so" | sed 's/.* //' | tr '\n' ' ')" \
	"pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred "
check "and needs only libpam and libc" \
	same "$(readelf -d "$so" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1/p' | grep -vE 'lib(asan|ubsan)' | sort | tr '\n' ' ')" "libc libpam "
plan_done
