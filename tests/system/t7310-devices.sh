#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7310-devices.sh - a queue that offers only some devices: what is shown, what is refused, at the desk, on the page, by ipptool.
# run-tests: deadline 90
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need curl sqlite3 jq ipptool

lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
for d in corner attic; do
	srv device add "$d" "$(printer_uri corner)" --no-probe >/dev/null || die "device $d"
done
ws_enrol Office
lab_pdf "$LAB/a.pdf" -n 1 -t alpha >/dev/null
out=$LAB/out
# shellcheck disable=SC2154
url=https://localhost:$SRV_WEB
openssl s_client -connect "localhost:$SRV_WEB" -showcerts </dev/null 2>/dev/null |
	sed -n '/BEGIN CERT/,/END CERT/p' >"$LAB/chain.pem"

exits() { local code=$1 rc; shift; "$@" >"$out" 2>&1; rc=$?; [ $rc -eq "$code" ] || { echo "exit $rc, not $code" && cat "$out" && return 1; }; }
says() { grep -qF -- "$1" "$out" || { cat "$out" && return 1; }; }
web() { curl -sS --cacert "$LAB/chain.pem" -b "$LAB/jar" -c "$LAB/jar" "${@:2}" "$url$1" >"$out" 2>&1; }
offered() { web / && sed -n 's/^<option[^>]*>\(.*\)<\/option>$/\1/p' "$out" | tr '\n' ' '; }
only() { srv queue list --json | jq -r '.queues[0].only | join(" ")'; }
cat >"$LAB/devices.test" <<-'END'
	{
		OPERATION Get-Printer-Attributes
		GROUP operation-attributes-tag
		ATTR charset attributes-charset utf-8
		ATTR naturalLanguage attributes-natural-language en
		ATTR uri printer-uri $uri
		STATUS successful-ok
		DISPLAY output-device-supported
	}
END
cat >"$LAB/release.test" <<-'END'
	{
		OPERATION Release-Job
		GROUP operation-attributes-tag
		ATTR charset attributes-charset utf-8
		ATTR naturalLanguage attributes-natural-language en
		ATTR uri printer-uri $uri
		ATTR integer job-id $job
		ATTR name requesting-user-name $user
		ATTR name output-device $device
		STATUS $status
	}
END
tool() { printf '' >"$out"; SSL_CERT_FILE="$LAB/chain.pem" HOME="$LAB" ipptool -tv "${@:2}" "ipps://$LAB_USER:$LAB_PASSWORD@localhost:$SRV_PORT/ipp/print/Office" "$1" >"$out" 2>&1; }
shown() { tool "$LAB/devices.test" && sed -n 's/.*output-device-supported.*) = //p' "$out" | tail -n 1; }

ws_lp -d Office "$LAB/a.pdf" >/dev/null
wait_for 10 job_registered 1
web /login -d "user=$LAB_USER" --data-urlencode "password=$LAB_PASSWORD"

check "at first all devices are offered on the page" same "$(offered)" "attic corner hall "
check "and by IPP" same "$(shown)" "attic,corner,hall"
check "none is named" same "$(only)" ""

check "a device that does not exist cannot be named" exits 3 srv queue set Office --only nowhere
check "nor some and all" exits 2 srv queue set Office --only corner --all-devices
check "nothing was named" same "$(only)" ""
check "two are named" exits 0 srv queue set Office --only corner --only attic --device corner
check "the list names them" same "$(only)" "attic corner"
check "the page shows those" same "$(offered)" "attic corner "
check "so does IPP" same "$(shown)" "attic,corner"

t=$(sed -n 's/.*name="token" value="\([0-9a-f]*\)".*/\1/p' <(web / && cat "$out") | head -n 1)
web /jobs -d "token=$t&do=release&device=hall&job-1=1" && web /
check "the page refuses another, and names what there is" says "Office does not print there, but at: attic, corner"
check "the desk is refused" not sp release 1 --device hall
sp release 1 --device hall >"$out" 2>&1
check "with the same words" says "but at: attic, corner"
check "ipptool is refused" tool "$LAB/release.test" -d user="$LAB_USER" -d job=1 -d device=hall -d status=client-error-not-possible
check "the job is held still" same_state 1 held
check "no release was counted" same "$(srv_sql 'SELECT epoch FROM job WHERE id = 1')" 0
check "one of its own is taken" sp release 1 --device corner
check "and prints" wait_for 10 has_prints corner 1
check "nothing came out elsewhere" same "$(prints hall)" 0

srv device remove attic >/dev/null
exits 0 srv check
check "check warns of one that is gone" says "Office offers the device attic, which does not exist"
srv queue set Office --only hall --device hall >/dev/null
check "removing a default device names the queues that lose it" grep -q "No default device any more: Office" <(srv device remove hall)
check "a queue whose devices are all gone offers none, not all" same "$(shown)" ""
srv queue set Office --all-devices >/dev/null
check "until it is told to offer all" same "$(shown)" "corner"
plan_done
