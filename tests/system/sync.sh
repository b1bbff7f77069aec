# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# sync.sh - a workstation with a verifier and credentials from the server; after server.sh, workstation.sh and login.sh.

# sync_start - server, queue Office at printer hall, verifier, enrolment. The verifier asks nobody: what opens, opens by the
# cache. sync_online and sync_offline let it reach the server, through the daemon, and end that.
sync_online() { as stillprint ln -sf "$LAB/run/online.sock" "$LAB/run/cache-only.sock"; }
sync_offline() { rm -f "$LAB/run/cache-only.sock"; }
sync_start()
{
	need sqlite3 jq pamtester curl
	lab_start
	lab_tool sync-file
	lab_printer hall
	srv_start
	srv_queue Office hall
	login_start "online = $LAB/run/cache-only.sock" "$@"
	login_server_stop
	ws_enrol Office
	sync_trust
	login_service pin 'auth required MODULE'
	machine=$(srv_sql 'SELECT name FROM machine LIMIT 1')
}
# sync_trust - what enrolment gives the verifier
sync_trust()
{
	[ -s "$LAB/state/auth/policy.pub" ] ||
		install -o stillprint -g stillprint -m 600 "$LAB/state/identity/policy.pub" "$LAB/state/auth/policy.pub"
	ws_reload
}

# sync_pin ACCOUNT PIN - as the server's accounts have them, written by another process than the server
sync_pin()
{
	local index verifier
	read -r index verifier < <("$LAB_TOOLS/sync-file" pin "$LAB/server/state/pepper" "$2")
	srv_write "INSERT INTO account_secret (account, kind, idx, verifier, label, created_ms) VALUES ('$1', 2, $index, '$verifier', '', 1)"
}
srv_write() { as stillprint sqlite3 "$LAB/server/state/server.db" "PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; $1" >/dev/null; }

sync_field() { srv sync status --json | jq -r ".machines[] | select(.name == \"$machine\") | .$1"; }
# sync_applied ACCOUNTS - the machine is seen to have the newest file, and that has so many accounts
sync_applied() { [ "$(sync_field accounts)" = "$1" ] && [ "$(sync_count)" -gt 0 ] && [ "$(tag_serial)" = "$(sync_field serial)" ]; }
tag_serial() { sed -n 's/^"[0-9]*\.\([0-9]*\)".*/\1/p' "$LAB/state/auth/sync.tag" 2>/dev/null; }
sync_count() { grep -c '^.*event=synced ' "$LAB/log/stillprint-verifier.log"; }
sync_said() { stillprint status --json | jq -r '.daemon.credentials // "none"'; }
sync_is() { [ "$(sync_said)" = "$1" ]; }
# pin_opens USER PIN - by PAM
pin_opens() { login_as pin "$1" "$2" authenticate >/dev/null 2>&1; }

# sync_get [CURL OPTIONS...] - what this machine's certificate gets; the HTTP status is printed, the document is in $LAB/got
sync_get()
{
	curl -s -o "$LAB/got" -w '%{http_code}\n' --cacert "$LAB/state/identity/ca.pem" "$@" "https://localhost:$SRV_PORT/ipp/res/credentials"
}
as_machine() { sync_get --cert "$LAB/state/identity/cert.pem" --key "$LAB/state/identity/key.pem" "$@"; }
machine_key() { printf 'Stillprint-Machine-Key: %s' "$(base64 -w0 <"$LAB/state/auth/machine.pub")"; }
# sync_lay FILE - as sync.in, and the verifier is told; prints its answer: 1 taken, 8 refused
sync_lay()
{
	rm -f "$LAB/state/auth/sync.in"
	install -o stillprint -g stillprint -m 600 "$1" "$LAB/state/auth/sync.in"
	sync_tell
}
sync_tell() { "$LAB_TOOLS/login-ask" "$LOGIN_SOCK" sync; }
