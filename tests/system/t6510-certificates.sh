#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t6510-certificates - certificates that are renewed while a job waits, that have ended, that are revoked under a parked
# poll, and servers that are the wrong ones: nothing is lost, nothing is sent to a stranger, nothing goes elsewhere.
# run-tests: deadline 290
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/workstation.sh
. "$(dirname "$0")/workstation.sh"
# shellcheck source=tests/system/server.sh
. "$(dirname "$0")/server.sh"
need sqlite3 openssl python3

WS_PROBE_LOST=1s
lab_start
lab_printer hall
lab_printer corner
srv_start 'machine-certificate-life = 30s'
srv_queue Office hall
srv queue set Office --fallback "$(printer_uri corner)" --on-outage fallback >/dev/null || die "fallback"
ws_enrol Office
policy_known() { sp fallback list | grep -q policy; }
wait_for 10 policy_known || die "no policy"
lab_pdf "$LAB/page.pdf" -t page >/dev/null
print_it() { ws_lp -d Office "$LAB/page.pdf" >/dev/null; }
id=$LAB/state/identity
serial() { openssl x509 -in "$id/cert.pem" -noout -serial; }
is_another() { [ "$(serial)" != "$1" ]; }
ended() { ! openssl x509 -in "$id/cert.pem" -noout -checkend 0 >/dev/null; }
says_why() { sp why "$1" | tr -s ' \n' ' ' | grep -qF -- "$2"; }
check_says() { stillprint check >"$LAB/check.said" 2>&1; tr -s ' \n' ' ' <"$LAB/check.said" | grep -qF -- "$1"; }
server_life() { sed -i "s/^machine-certificate-life.*/machine-certificate-life = $1/" "$LAB/server/server.conf" && kill -HUP "$(lab_pid server)"; }
enrol() { CUPS_SERVER=$LAB/ws/state/cups.sock STILLPRINT_PPD=$LAB_PPD \
	stillprint setup Office --server "ipps://localhost:$SRV_PORT" --code "$(srv_code)" --yes >"$LAB/enrol.said" 2>&1 ||
	{ cat "$LAB/enrol.said" && return 1; }; }

# ---- renewed while a job waits
print_it
wait_for 10 job_registered 1 || die "not registered"
first=$(serial)
check "a short life: renewed in its last third" wait_for 40 is_another "$first"
second=$(serial)
check "and again" wait_for 40 is_another "$second"
check "the job waits as before" job_registered 1

# ---- ended, with the job waiting
lab_daemon_stop
check "one ends while the computer is off" wait_for 45 ended
lab_daemon_start
print_it
check "a job is held, and says that the server does not accept this computer" wait_for 20 job_held_for 2 not-enrolled
check "and what to do" says_why 2 "stillprint setup --server"
check "check says that it has ended" wait_for 5 check_says "certificate has ended"
check "--renew says that this takes a code" eval '! stillprint setup --renew --yes >"$LAB/renew.said" 2>&1 && grep -q "Ask for a code" <(tr -s " \n" " " <"$LAB/renew.said")'
check "the job of before is still there" job_is 1 held
check "nothing went to the fallback" same "$(prints corner)" 0
server_life 365d
check "with a new code" enrol
check "it is the same machine" same "$(srv_sql 'SELECT count(*) FROM machine')" 1
check "both jobs are known there" eval 'wait_for 60 job_registered 1 && wait_for 60 job_registered 2'
check "one record for each" same "$(srv_sql "SELECT count(*) FROM job")" 2
check "they print" eval 'sp release 1 --device hall && sp release 2 --device hall && wait_for 20 all_jobs_are completed 1 2'

# ---- revoked under its parked poll
name=$(srv_sql 'SELECT name FROM machine LIMIT 1')
print_it
wait_for 10 job_registered 3 || die "not registered"
link_refused() { daemon_log 'event=server-link-lost.*revoked'; }
srv device revoke "$name" >/dev/null
print_it
check "revoked: the next request is refused, on the connection that is there" wait_for 10 job_held_for 4 not-enrolled
check "the parked poll does not live on" wait_for 20 eval '[ "$(srv_sql "SELECT count(*) FROM subscription")" = 0 ] || link_refused || daemon_log "event=server-link-lost"'
srv device remove "$name" >/dev/null
check "enrolled anew" enrol
check "the job that was held comes along" wait_for 60 job_registered 4
check "nothing went to the fallback" same "$(prints corner)" 0

# ---- wrong servers, each at the right address
srv_stop
state=$LAB/server/state
san() { openssl x509 -in "$state/server.pem" -noout -ext subjectAltName | tail -n 1 | sed 's/IP Address/IP/g; s/ //g'; }
# wrong NAME SAN DAYS [CA.pem] - a certificate of the server's CA, or of another
wrong()
{
	local ca=${4:-$state/ca.pem}
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout "$LAB/$1.key" -out "$LAB/$1.csr" 2>/dev/null
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" >"$LAB/$1.ext"
	openssl x509 -req -in "$LAB/$1.csr" -CA "$ca" -CAkey "$ca" -CAcreateserial -CAserial "$LAB/serial" -days "$3" -extfile "$LAB/$1.ext" -out "$LAB/$1.crt" 2>/dev/null
}
good=$(san)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=Stillprint CA" -keyout "$LAB/foreign.pem" -out "$LAB/foreign.crt" -days 30 2>/dev/null
cat "$LAB/foreign.crt" >>"$LAB/foreign.pem"
wrong expired "$good" -1
wrong foreign "$good" 30 "$LAB/foreign.pem"
wrong name "DNS:elsewhere.example,$(tr , '\n' <<<"$good" | grep URI)" 30
wrong uuid "DNS:localhost,IP:127.0.0.1,URI:urn:uuid:11111111-2222-4333-8444-555555555555" 30
wrong control "$good" 30
# Shows its certificate, writes down what is said to it, and hangs up.
cat >"$LAB/stranger.py" <<-'END'
	import socket, ssl, sys
	port, crt, key, heard = sys.argv[1:]
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(crt, key)
	listener = socket.create_server(("127.0.0.1", int(port)))
	out = open(heard, "ab", buffering=0)
	while True:
	    plain, _ = listener.accept()
	    plain.settimeout(3)
	    try:
	        with context.wrap_socket(plain, server_side=True) as tls:
	            out.write(tls.recv(4096) or b"")
	    except OSError:
	        pass
END
job=4
for kind in control expired foreign name uuid; do
	lab_spawn "wrong-$kind" python3 "$LAB/stranger.py" "$SRV_PORT" "$LAB/$kind.crt" "$LAB/$kind.key" "$LAB/$kind.heard"
	wait_for 5 port_open "$SRV_PORT" || die "no stranger"
	heard() { grep -aq 'POST\|GET' "$LAB/$kind.heard"; }
	if [ "$kind" = control ]; then
		check "this stand-in would hear what is said to a right certificate" wait_for 30 heard
		lab_end wrong-control
		continue
	fi
	check "$kind: the certificate is refused" wait_for 40 queue_is Office certificate-changed
	print_it
	job=$((job + 1))
	check "$kind: the job is held for the certificate" wait_for 40 job_held_for $job certificate-changed
	check "$kind: why says what to do" says_why $job "new code"
	check "$kind: it has heard nothing" eval '! heard'
	lab_end "wrong-$kind"
done
check "the user was told" daemon_log "job=$job event=notice kind=attention"
check "the log has the reason: expired" daemon_log 'it\\x20has\\x20expired'
check "another server of the CA" daemon_log 'it\\x20is\\x20that\\x20of\\x20another\\x20server'
check "nothing went to the fallback" same "$(prints corner)" 0
srv_up
check "the right one is back, and so are the jobs" eval 'for j in 5 6 7 8; do wait_for 90 job_registered $j || exit 1; done'
plan_done
