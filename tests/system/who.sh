# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# who.sh - a workstation enrolled at a server, with logins by PAM: who printed it? After lib.sh, workstation.sh, server.sh, login.sh.

# who_start - users $one (the account anna) and $two (an account of his own name), queue Office of the server
who_start()
{
	need sqlite3 jq pamtester
	lab_start
	one=spw$$ two=spx$$
	lab_user "$one"
	lab_user "$two"
	uid=$(id -u "$one")
	LAB_USER=$one
	lab_printer hall
	srv_start
	srv_queue Office hall
	local account secret
	srv user add root <<<"$LAB_PASSWORD" >/dev/null
	while read -r account secret; do srv user add "$account" <<<"$secret" >/dev/null || die "account $account"; done <<-EOF
		anna planted-Zq81
		berta planted-Xb72
		$two planted-Yc63
	EOF
	LOGIN_REAL=1 login_start
	printf '[map]\n%s = anna\n' "$one" >>"$LAB/etc/login.conf"
	login_verifier_stop
	login_verifier_start
	ws_enrol Office
	login_service full 'auth required MODULE' 'account required pam_permit.so' 'session required MODULE'
	login_service key 'auth required pam_permit.so' 'account required pam_permit.so' 'session optional MODULE' 'session required pam_permit.so'
	wait_for 10 test -s "$LAB/state/auth/server-login.pub" || die "the verifier has no key of the server"
	lab_pdf "$LAB/a.pdf" -n 2 -t alpha
	last=0
}
anna_logs_in() { login_as full "$one" planted-Zq81 authenticate acct_mgmt open_session; }
anna_logs_out() { login_as full "$one" - close_session; }

# prints_as USER LP-ARGUMENTS... - and its job is $last from then on
prints_as() { LAB_USER=$1 lab_lp ws -d Office "${@:2}" "$LAB/a.pdf" >/dev/null && who_took; }
# who_took - one more job is there, $last
who_took() { last=$((last + 1)) && wait_for 10 who_has "$last"; }
who_has() { [ -n "$(job_state "$1")" ]; }
# at_server JOB "OWNER verified|claimed" - it is known there, as that
at_server() { wait_for 10 job_registered "$1" && same "$(srv_sql "SELECT owner || CASE verified WHEN 1 THEN ' verified' ELSE ' claimed' END FROM job WHERE uuid = '$(job_field "$1" Uuid)'")" "$2"; }
# identity JOB "verified|claimed CODE" - at the workstation
identity() { same "$(job_field "$1" Identity) $(job_field "$1" IdentityWhy)" "$2"; }
# printed_for USER "OWNER verified|claimed" LP-ARGUMENTS...
printed_for() { local user=$1 say=$2 && shift 2 && prints_as "$user" "$@" && at_server "$last" "$say"; }
