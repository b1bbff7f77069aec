#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7100-enrol - a workstation joins a server of our own, renews, leaves and joins again; a forged server hears nothing.
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

lab_start
need python3 openssl cupsd sqlite3 jq
[ -s "$LAB_PPD" ] && [ -x "$LAB_BACKEND" ] || skip_all "needs the queue's PPD and the backend"
[ -x "$LAB/bin/stillprint-server" ] || skip_all "needs stillprint-server"
export STILLPRINT_PPD=$LAB_PPD CUPS_SERVER
out=$LAB/out
identity=$LAB/state/identity
drop_in=$LAB/etc/stillprint.conf.d
lab_cupsd local
CUPS_SERVER=$(cups_socket local)

exits()
{
	local code=$1 rc
	shift
	"$@" >"$out" 2>"$out.err" </dev/null
	rc=$?
	[ "$rc" -eq "$code" ] || { echo "exit $rc, not $code: $*" && cat "$out" "$out.err" && return 1; }
}
# words wrap where there is a terminal's width; here they do not, but a label may stand between
says() { tr -s ' \n' ' ' <"$out" >"$out.flat" && tr -s ' \n' ' ' <"$out.err" >>"$out.flat"
	grep -qF -- "$1" "$out.flat" || { echo "does not say: $1" && cat "$out" "$out.err" && return 1; }; }
field() { python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$out" "$1"; }
setup() { stillprint setup "$@" --yes; }
# everything that setup may change
picture() { find "$LAB/etc" "$identity" -type f -exec sha256sum {} + 2>/dev/null | sort && lab_cups local lpstat -v -p -a 2>/dev/null; true; }
refused()
{
	local code=$1 text=$2 before
	shift 2
	before=$(picture)
	exits "$code" setup "$@" && says "$text" && same "$(picture)" "$before"
}

# ---------------------------------------------------------------- two servers

# server NAME HOST,... - set up and running; port in $LAB/NAME/port
server()
{
	local r=$LAB/$1
	mkdir -p "$r" && chmod 755 "$r"
	free_port >"$r/port"
	cat >"$r/server.conf" <<-END
		[server]
		state = $r/state
		port = $(<"$r/port")
		web-port = none
		listen = 127.0.0.1
		names = $2
		machine-certificate-life = 1h
	END
	chmod 644 "$r/server.conf"
	manage "$1" setup >/dev/null || die "server $1 cannot be set up"
	server_up "$1"
}
manage() { stillprint-server --config "$LAB/$1/server.conf" "${@:2}"; }
server_up()
{
	lab_spawn_as stillprint "$1" "$LAB/bin/stillprint-server" --config "$LAB/$1/server.conf" serve
	wait_for 10 lab_ready_or_dead "$1" "$(<"$LAB/$1/port")" && lab_alive "$1" || die "server $1 does not start"
}
code_of() { manage "$1" enrol "${@:2}" 2>/dev/null; }
address() { echo "ipps://localhost:$(<"$LAB/$1/port")"; }
rows() { sqlite3 "$LAB/$1/state/server.db" "$2"; }
subject() { openssl x509 -in "$identity/cert.pem" -noout "$@"; }

server ours localhost,127.0.0.1
server theirs localhost
manage ours queue add Office >/dev/null || die "no queue Office"
manage ours queue add Hall >/dev/null || die "no queue Hall"

# ---------------------------------------------------------------- what is refused, with nothing changed

check "a code that is cut is explained" refused 2 "32 letters and digits" --server "$(address ours)" --code X7K2-0000
check "a letter that no code has is named" refused 2 'no "U"' --server "$(address ours)" --code "UUUU"
check "an address with a path is none" refused 2 "without a path" --server "$(address ours)/ipp" --code X
check "--server wants a code" refused 2 "--code" --server "$(address ours)"
check "and a code wants a server" refused 2 "--server" --code X
code=$(code_of ours)
nobody() { exits 2 stillprint setup --server "$(address ours)" --code "$code" && says "give --yes"; }
check "where nobody can be asked, --yes is wanted" nobody
no_root() { as "$LAB_USER" stillprint setup --server "$(address ours)" --code "$code" --yes >"$out" 2>"$out.err"; same $? 5; }
check "only root may" no_root
check "nobody there: told" refused 1 "does not answer" --server "ipps://localhost:$(free_port)" --code "$code"

# ---- the code of one server, the address of another: it must not learn the code

lab_relay wire "127.0.0.1:$(<"$LAB/theirs/port")"
check "the code of another server: refused" refused 1 "not the one that this code is from" \
	--server "ipps://localhost:$(relay_port wire)" --code "$code"
check "that server was met" relay_saw wire '^\(open\|connect\|accept\)'
untold() { same "$(rows theirs "SELECT count(*) FROM machine")" 0 && ! grep -aq "enrol" "$LAB/log/theirs.log"; }
check "and heard nothing of enrolling" untold
# One that shows our CA's certificate after its own, and so passes the code, has no certificate of that CA.
manage ours setup --json >"$LAB/setup.json" || die "no setup"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/forged.key" -out "$LAB/forged.crt" \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 2>/dev/null
forged_port=$(free_port)
cat "$LAB/forged.crt" "$LAB/ours/state/ca.crt" >"$LAB/forged.chain"
cat >"$LAB/forger.py" <<-'END'
	import socket, ssl, sys
	port, chain, key, log = sys.argv[1:5]
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(chain, key)
	listener = socket.create_server(("127.0.0.1", int(port)))
	while True:
	    peer, _ = listener.accept()
	    with open(log, "ab") as f:
	        try:
	            with context.wrap_socket(peer, server_side=True) as s:
	                f.write(b"met\n"); f.flush()
	                s.settimeout(5)
	                got = s.recv(4096)
	                if got: f.write(b"heard " + got)
	        except OSError as e:
	            f.write(b"broken off\n")
END
: >"$LAB/forger.heard"
lab_spawn forger python3 "$LAB/forger.py" "$forged_port" "$LAB/forged.chain" "$LAB/forged.key" "$LAB/forger.heard"
wait_for 5 port_open "$forged_port" || die "no forger"
check "a forger that shows our CA: refused" refused 1 "certificate is refused" \
	--server "ipps://localhost:$forged_port" --code "$code"
unheard() { grep -q 'met' "$LAB/forger.heard" && ! grep -aq 'heard' "$LAB/forger.heard"; }
check "it was met, and heard no octet" wait_for 5 unheard
lab_end forger
dry() { refused 0 "dry-run" --server "$(address ours)" --code "$code" --dry-run && says "it is the one that the code is of" &&
	same "$(rows ours "SELECT count(*) FROM enrol_code WHERE used_s")" 0; }
check "--dry-run finds the server and uses no code" dry

# ---------------------------------------------------------------- enrolled

enrolled() { exits 0 setup --server "localhost:$(<"$LAB/ours/port")" --code "${code,,}" --queue Office --queue Hall &&
	says "This computer is enrolled" && says "Queue Office is made in CUPS" && says "Queue Hall is made in CUPS"; }
check "a workstation is enrolled, with two queues" enrolled
uuid=$(head -n 1 "$identity/device")
check "the server knows it" same "$(rows ours "SELECT uuid FROM machine")" "$uuid"
modes() { same "$(stat -c '%U %a' "$identity" "$identity"/* | sort -u)" "stillprint 600
stillprint 700"; }
check "its key is the daemon's user's alone" modes
parts() { same "$(find "$identity" -type f -printf '%f ')" "$(printf '%s ' "$(find "$identity" -type f -printf '%f ' | tr ' ' '\n' |
	grep -E '^(ca.pem|cert.pem|key.pem|device|policy.pub|server)$')" | tr '\n' ' ')" && same "$(find "$identity" -type f | wc -l)" 6; }
check "its folder holds what the daemon needs" parts
good() { openssl verify -CAfile "$identity/ca.pem" "$identity/cert.pem" && subject -ext subjectAltName | grep -q "$uuid" &&
	same "$(openssl pkey -in "$identity/key.pem" -pubout)" "$(subject -pubkey)"; }
check "the certificate is of the server's CA, for this machine and this key" good
sections() { grep -qx "address = $(address ours)" "$drop_in/@server.conf" &&
	grep -qx 'upstream = stillprint' "$drop_in/Office.conf" && grep -qx 'release = held' "$drop_in/Hall.conf"; }
check "the sections are written" sections
check "a queue is ours in CUPS" same "$(lab_cups local lpstat -v Office)" "device for Office: stillprint:Office"
check "no code stays behind" not grep -rqi "${code//-/}\|$code" "$LAB/etc" "$LAB/state"
lab_daemon
check "the daemon takes the configuration" lab_alive stillprintd
renamed() { exits 0 setup Foyer --upstream stillprint:Hall && grep -qx 'upstream = stillprint:Hall' "$drop_in/Foyer.conf"; }
check "a queue may have another name here, while the daemon runs" renamed
check "a queue that the server lacks: told" refused 3 "has no queue Nowhere" Nowhere --upstream stillprint
check "a second run changes nothing" refused 0 "Nothing to change" Office
as_json() { exits 0 setup Office --json && same "$(field changed)/$(field release)" False/held; }
check "and says so in JSON" as_json
check "a queue of it takes no login" refused 2 "wants no --user" Office --user anna --password-file /dev/null

# ---------------------------------------------------------------- renewed

looked() { before=$(picture) && exits 0 setup --renew --dry-run && says "Nothing was renewed" && same "$(picture)" "$before"; }
check "a look changes nothing" looked
serial=$(subject -serial)
early() { exits 0 setup --renew && says "The certificate is renewed: it was good until" && not same "$(subject -serial)" "$serial" >/dev/null && good; }
check "a certificate in its first days is renewed by command" early
serial=$(subject -serial)
check "but not again and again" refused 1 "once in ten minutes" --renew
check "it is the same certificate" same "$(subject -serial)" "$serial"
# As if it had been given years ago, by a server that gives certificates for a month.
age() { sed -i "2s/.*/$(($(sed -n 3p "$identity/device") - 2000 * 86400))/" "$identity/device"; }
lab_end ours
sed -i 's/^machine-certificate-life.*/machine-certificate-life = 30d/' "$LAB/ours/server.conf"
age
unreached() { before=$(picture) && exits 1 setup --renew && says "does not answer" && same "$(picture)" "$before"; }
check "a server that is away: told, and the certificate stays" unreached
server_up ours
key=$(sha256sum <"$identity/key.pem")
renewed() { exits 0 setup --renew --json && same "$(field changed)" True && not same "$(subject -serial)" "$serial" >/dev/null &&
	not same "$(sha256sum <"$identity/key.pem")" "$key" >/dev/null; }
check "it is renewed in its last third, with another key" renewed
check "and fits together" good
check "it is the same machine" same "$(rows ours "SELECT count(*) || uuid FROM machine")" "1$uuid"
check "its key is still the daemon's alone" modes
probed() { exits 0 setup Hall --upstream stillprint && says "Queue Hall" || says "Nothing to change"; }
check "the server takes the new certificate" probed
arrived() { same "$(rows ours "SELECT next FROM machine")" ""; }
check "and the old one is over with it" arrived
check "a second renewal is none" refused 1 "once in ten minutes" --renew

# ---- and by the daemon

serial=$(subject -serial)
lab_end ours
sed -i 's/^machine-certificate-life.*/machine-certificate-life = 365d/' "$LAB/ours/server.conf"
age
lab_daemon_restart
heard() { grep -q "$1" "$LAB/log/stillprintd.log"; }
check "the daemon sees that it is time, and that the server is away" wait_for 15 heard 'event=renewal-failed reached=0'
check "the certificate stays" same "$(subject -serial)" "$serial"
server_up ours
kill -HUP "$(lab_pid stillprintd)"
check "the server is there: the daemon renews it by itself" wait_for 20 heard 'event=certificate-renewed days=36[45]'
other() { not same "$(subject -serial)" "$serial" >/dev/null && good && modes; }
check "another certificate, whole and the daemon's alone" other
taken() { exits 0 stillprint status && exits 1 setup --renew && says "once in ten minutes" && not heard 'identity-unusable'; }
check "and that is that" taken
untroubled() { stillprint check >"$out" 2>"$out.err"; says "server of our own: enrolled; the certificate is good for 36"; }
check "check tells how long it lasts" untroubled
# As if nobody had renewed it.
until=$(sed -n 3p "$identity/device")
sed -i "3s/.*/$(($(date +%s) + 5 * 86400 + 60))/" "$identity/device"
lab_end ours
kill -HUP "$(lab_pid stillprintd)"
check "the log warns in the last days" wait_for 15 heard 'event=certificate-ends days=5'
status_warns() { stillprint status >"$out" 2>"$out.err" && says "certificate at the server ends"; }
check "so does status" status_warns
user_status() { as "$LAB_USER" stillprint status >"$out" 2>"$out.err" && says "certificate at the server ends"; }
check "for everybody" user_status
check_warns() { stillprint check >"$out" 2>"$out.err"; says "ends in 5 days"; }
check "so does check" check_warns
sed -i "3s/.*/$(($(date +%s) - 60))/" "$identity/device" && age
check_wrong() { exits 1 stillprint check && says "has ended"; }
check "and one that has ended is wrong" check_wrong
check "it is not renewed, and that tells what to do" refused 1 "Ask for a code" --renew
sed -i "3s/.*/$until/" "$identity/device"
server_up ours
kill -HUP "$(lab_pid stillprintd)"

# ---------------------------------------------------------------- again, and elsewhere

code=$(code_of ours)
anew() { exits 0 setup --server "$(address ours)" --server 127.0.0.1:"$(<"$LAB/ours/port")" --code "$code" &&
	same "$(head -n 1 "$identity/device")" "$uuid" && same "$(rows ours "SELECT count(*) FROM machine")" 1 &&
	same "$(grep -c ^address "$drop_in/@server.conf")" 2; }
check "enrolled again at the same server it is the same machine, by a second address too" anew
other_name() { refused 1 "certificate is refused" --server "127.0.0.1:$(<"$LAB/theirs/port")" --code "$(code_of theirs)" &&
	says "names the host names"; }
check "an address that the server's certificate does not name is refused" other_name
elsewhere() { exits 0 setup --server "$(address theirs)" --code "$(code_of theirs)" &&
	not same "$(head -n 1 "$identity/device")" "$uuid" >/dev/null &&
	same "$(rows theirs "SELECT uuid FROM machine")" "$(head -n 1 "$identity/device")" &&
	same "$(head -n 1 "$identity/server")" "$(manage theirs setup --json | jq -r .system_uuid)"; }
check "enrolled at another server it is another machine, which nobody can trace" elsewhere

# ---------------------------------------------------------------- left

dry_leave() { refused 0 "dry-run" --leave --dry-run && says "Office goes too"; }
check "--leave --dry-run tells what goes" dry_leave
left() { exits 0 setup --leave && says "forgotten" && not test -e "$identity" && not test -e "$drop_in/@server.conf" &&
	not test -e "$drop_in/Office.conf" && not lab_cups local lpstat -v Office; }
check "left: key, section and queues are gone" left
check "the daemon lives on" lab_alive stillprintd
check "left again: nothing to do" refused 0 "Nothing to leave" --leave
check "nothing to renew then" refused 1 "not enrolled" --renew
check "and no queue of it can be made" refused 1 "not enrolled" Office --upstream stillprint
check "the code that was used enrols no second machine" refused 1 "used before" --server "$(address ours)" --code "$code"
late=$(code_of ours --expires 1s)
over() { [ "$(date +%s)" -gt "$(rows ours "SELECT max(expires_s) FROM enrol_code WHERE expires_s - made_s = 1")" ]; }
wait_for 5 over
check "nor does one whose time is over" refused 1 "its time is over" --server "$(address ours)" --code "$late"
wrong=$(code_of theirs) && wrong=$(printf '0000-0000-0000-0000-%s' "$(code_of ours | cut -d- -f5-8)")
check "nor one with another secret" refused 1 "does not take this code" --server "$(address ours)" --code "$wrong"
stdin() { code_of ours | stillprint setup --server "$(address ours)" --code - --queue Office --yes >"$out" 2>"$out.err" &&
	test -s "$identity/key.pem" && not same "$(head -n 1 "$identity/device")" "$uuid" >/dev/null; }
check "enrolled once more, with a code from standard input, as another machine" stdin
now_uuid=$(head -n 1 "$identity/device")
revoked() { manage ours device revoke "$now_uuid" >/dev/null && refused 1 "revoked" Office --upstream stillprint; }
check "a machine that was revoked is told so" revoked
age
renew_revoked() { refused 1 "revoked" --renew; }
check "and gets no new certificate" renew_revoked
plan_done
