# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# machines.sh - a private stillprint-server for its own tests, and machines without a workstation: from nothing to users, queue, device and enrolled machines.  Source lib.sh first.
#
#	server_start [SERVER.CONF LINES...]   state, CA, users anna and bert (passwords anna-pw, bert-pw), device mfp, queue Office; runs
#	server ARGUMENTS...                   the program with our configuration: server queue list --json
#	server_stop, server_run, server_kill9, server_restart
#	server_machine NAME                   enrols; $LAB/NAME.{key,crt,uuid}; a relay that speaks as this machine
#	machine_uri NAME [PATH]               plain ipp:// of that relay, for ipptool and curl
#	person_uri USER [PATH]                ipps:// with the user's login, for ipptool
#	tool URI FILE.test [IPPTOOL OPTIONS]  ipptool, quiet unless it fails
#	machine_call NAME PATH OPERATION [LINES...]   one request as the machine; its answer in $LAB/answer
# Everything is below $LAB and on free ports; SERVER_STATE and SERVER_PORT say where.

# server_conf [LINES...] - its configuration
server_conf()
{
	lab_tool tls-relay
	install -m 755 "$LAB_OUT/bin/stillprint-server" "$LAB/bin/"
	SERVER_STATE=$LAB/server-state
	SERVER_PORT=${SERVER_PORT:-$(free_port)}
	SERVER_WEB_PORT=${SERVER_WEB_PORT:-$(free_port)}
	export STILLPRINT_SERVER_CONF=$LAB/server/server.conf
	mkdir -p "$LAB/server"
	{
		printf '[server]\nstate = %s\nlisten = 127.0.0.1\nport = %s\nweb-port = %s\nnames = localhost, 127.0.0.1\n' \
			"$SERVER_STATE" "$SERVER_PORT" "$SERVER_WEB_PORT"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$STILLPRINT_SERVER_CONF"
}

server() { "$LAB/bin/stillprint-server" "$@"; }
server_answers() { lab_alive server && port_open "$SERVER_PORT"; }
server_run() { lab_spawn server "$LAB/bin/stillprint-server" serve && wait_for 10 server_answers || die "no server"; }
server_stop() { lab_end server; }
server_kill9() { lab_end server KILL; }
server_restart() { server_stop && server_run; }

server_user() { printf '%s\n' "$2" | server user add "$1" >/dev/null || die "no user $1"; } # NAME PASSWORD

server_start()
{
	need ipptool openssl curl jq
	server_conf "$@"
	server setup >/dev/null || die "setup failed"
	cp "$SERVER_STATE/ca.crt" "$LAB/ca.crt"
	server_user anna anna-pw
	server_user bert bert-pw
	server device add mfp "${SERVER_DEVICE:-ipp://127.0.0.1:9/ipp/print}" --no-probe >/dev/null || die "no device"
	server queue add Office --device mfp >/dev/null || die "no queue"
	server_run
}

person_uri() { echo "ipps://$1:$1-pw@localhost:$SERVER_PORT${2:-/ipp/print/Office}"; }

# tool URI FILE [OPTIONS] - what went wrong is printed
tool() { timeout -s KILL 20 ipptool -tv "${@:3}" "$1" "$2"; }

new_uuid() { echo "urn:uuid:$(</proc/sys/kernel/random/uuid)"; }

# server_csr NAME - a fresh P-256 key and signing request in $LAB/NAME.{key,csr}
server_csr()
{
	openssl ecparam -name prime256v1 -genkey -noout -out "$LAB/$1.key" 2>/dev/null &&
		openssl req -new -key "$LAB/$1.key" -subj "/CN=ignored" -out "$LAB/$1.csr"
}

# server_enrol_test UUID CSR-FILE NAME - the request as an ipptool file on stdout
server_enrol_test()
{
	cat <<-END
		{
		NAME "Register-Output-Device"
		OPERATION 0x005f
		GROUP operation-attributes-tag
		ATTR charset attributes-charset utf-8
		ATTR language attributes-natural-language en
		ATTR uri system-uri \$uri
		ATTR uri output-device-uuid $1
		ATTR name smi32473-device-name "$3"
		ATTR keyword printer-service-type print
		ATTR text output-device-x509-request $(sed 's/.*/"&"/' "$2" | paste -sd,)
		STATUS successful-ok
		EXPECT output-device-x509-certificate OF-TYPE text IN-GROUP printer-attributes-tag
		EXPECT system-uuid OF-TYPE uri
		EXPECT smi32473-server-incarnation OF-TYPE integer
		EXPECT smi32473-policy-key OF-TYPE octetString
		}
	END
}

# server_enrol NAME CODE [UUID] - with the key and request that are there; certificate in $LAB/NAME.crt; ipptool's answer in .out
server_enrol()
{
	local uuid=${3:-$(new_uuid)}
	server_enrol_test "$uuid" "$LAB/$1.csr" "$1" >"$LAB/$1.test"
	tool "ipps://enrol:${2//-/}@localhost:$SERVER_PORT/ipp/system" "$LAB/$1.test" >"$LAB/$1.out" 2>&1 || return 1
	echo "$uuid" >"$LAB/$1.uuid"
	server_certificate "$1"
}

# server_certificate NAME - out of ipptool's answer
server_certificate()
{
	sed -n 's/^ *output-device-x509-certificate (1setOf [a-zA-Z]*) = //p' "$LAB/$1.out" | tr ',' '\n' |
		sed '/END CERTIFICATE/q' >"$LAB/$1.crt"
	grep -q 'BEGIN CERTIFICATE' "$LAB/$1.crt"
}

# machine_relay NAME - a fresh relay that shows the machine's certificate
machine_relay()
{
	lab_end "relay-$1"
	[ -s "$LAB/$1.relay" ] || free_port >"$LAB/$1.relay"
	lab_spawn "relay-$1" "$LAB_TOOLS/tls-relay" "$(<"$LAB/$1.relay")" "localhost:$SERVER_PORT" \
		"$LAB/ca.crt" "$LAB/$1.crt" "$LAB/$1.key"
	wait_for 5 port_open "$(<"$LAB/$1.relay")"
}

server_machine()
{
	server_csr "$1" && server_enrol "$1" "$(server enrol 2>/dev/null)" || { cat "$LAB/$1.out" && die "$1 is not enrolled"; }
	machine_relay "$1"
}

machine_uri() { echo "ipp://127.0.0.1:$(<"$LAB/$1.relay")${2:-/ipp/print/Office}"; }
machine_http() { echo "http://127.0.0.1:$(<"$LAB/$1.relay")$2"; }

# machine_call NAME PATH OPERATION [LINES] - lines of ipptool's language behind the common attributes; answer in $LAB/answer
machine_call()
{
	local name=$1 path=$2 op=$3
	shift 3
	{
		printf '{\nNAME "%s"\nOPERATION %s\nGROUP operation-attributes-tag\n' "$op" "$op"
		printf 'ATTR charset attributes-charset utf-8\nATTR language attributes-natural-language en\n'
		case $path in
		/ipp/system*) echo "ATTR uri system-uri \$uri" ;;
		*) echo "ATTR uri printer-uri \$uri" ;;
		esac
		printf '%s\n' "$@"
		echo '}'
	} >"$LAB/call.test"
	tool "$(machine_uri "$name" "$path")" "$LAB/call.test" >"$LAB/answer" 2>&1
}
