#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t1600 - what a target may be: certificates are pinned, a login failure waits and never falls back, loops are refused,
# CUPS queues of this machine take what a printer cannot, users name their own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer mfp
lab_printer other
lab_printer spare
lab_printer raster --raster
lab_cupsd srv
lab_relay net "localhost:$(printer_port mfp)"
for w in alpha bravo charlie delta echo foxtrot golf hotel india; do lab_pdf "$LAB/$w.pdf" -n 2 -t $w >/dev/null; done

# certificates
upstream=ipps://localhost:$(relay_port net)/ipp/print
ws_start office "$upstream" "fallback = $(printer_uri spare)"
ws_lp -d office "$LAB/alpha.pdf" >/dev/null
check "over TLS it prints, pinned at first use" wait_for 10 has_prints mfp 1
wait_for 10 job_is 1 completed
check "the pin is kept" same "$(store_sql "select substr(pin, 1, 8) from printer where uri = '$upstream'")" "sha256//"
net to "localhost:$(printer_port other)"
net drop-all
ws_lp -d office "$LAB/bravo.pdf" >/dev/null
check "another certificate: the job waits and says why" wait_for 10 job_held_for 2 certificate-changed
check "it goes neither there nor to a fallback" same "$(prints other) $(prints spare)" "0 0"
check "root may trust the new one" \
	lab_bus_call org.stillprint /org/stillprint org.stillprint.Manager1 Trust s "$upstream"
check "then it prints there" wait_for 10 has_prints other 1
wait_for 10 job_is 2 completed

# 401
lab_queue srv locked "$(printer_uri mfp)" everywhere -o printer-op-policy=authenticated
ws_conf office "$(cups_uri srv locked)" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/charlie.pdf" >/dev/null
check "401: the job waits for a login" wait_for 10 job_held_for 3 authentication-required
attempts=$(store_sql 'select count(*) from attempt where job_id = 3')
check "401: it never falls back" same "$(prints spare)" 0
ws_lp -d office "$LAB/delta.pdf" >/dev/null
check "401: the next one waits as well" wait_for 10 job_held_for 4 authentication-required
check "401: no loop" same "$(store_sql 'select count(*) from attempt where job_id = 3')" "$attempts"
login=sptest$$
lab_user "$login" "let-me-print"
install -d -o root -g stillprint -m 750 "$LAB/etc/secrets"
printf 'let-me-print\n' >"$LAB/etc/secrets/office"
chown root:stillprint "$LAB/etc/secrets/office" && chmod 640 "$LAB/etc/secrets/office"
ws_conf office "$(cups_uri srv locked ipps)" "upstream-user = $login" "fallback = $(printer_uri spare)"
ws_reload
check "with user and password over TLS both print" wait_for 15 has_prints mfp 3
check "the password is in no log" not grep -ra "let-me-print" "$LAB/log" "$LAB/state"
wait_for 10 all_jobs_are completed 3 4
rm "$LAB/etc/secrets/office"

# loops, at run time
ws_queue second
ws_conf office "ipp://localhost:$(cups_port ws)/printers/second" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/echo.pdf" >/dev/null
check "an upstream that leads back to Stillprint is refused" wait_for 10 job_held_for 5 loop
net refuse
ws_conf office "ipp://localhost:$(relay_port net)/ipp/print" "fallback = cups:second" "fallback = cups:plain"
lab_queue ws plain "$(printer_uri raster)"
ws_reload
ws_lp -d office "$LAB/foxtrot.pdf" >/dev/null
check "a fallback that leads back is passed over; a CUPS queue converts for a printer without PDF" \
	wait_for 15 has_prints raster 1
check "and its end is known" wait_for 15 job_is 6 completed
check "by the queue's word" same "$(job_reason 6)" server-reported
ws_conf office "ipp://localhost:$(relay_port net)/ipp/print" "fallback = $(printer_uri raster)"
ws_reload
ws_lp -d office "$LAB/golf.pdf" >/dev/null
check "a fallback without PDF is not used, and the reason says so" wait_for 10 job_held_for 7 no-fallback-ready
check "in words" same "$(job_field 7 Sentence | grep -c 'cannot print PDF')" 1

# users' own
me() { as "$LAB_USER" busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" --json=short call org.stillprint "$@"; }
check "a user adds a printer: what was found is told" \
	wait_for 1 me /org/stillprint org.stillprint.Manager1 FallbackAdd ss office "$(printer_uri spare)"
check "it is offered for the waiting job" same "$(acts 7 | grep -c "release:$(printer_uri spare)")" 1
check "not used by itself" same "$(prints spare)" 0
check "a printer without PDF is not taken" \
	not me /org/stillprint org.stillprint.Manager1 FallbackAdd ss office "$(printer_uri raster)"
check "nor one that does not answer" \
	not me /org/stillprint org.stillprint.Manager1 FallbackAdd ss office "ipp://localhost:$(free_port)/ipp/print"
check "nor a Stillprint queue" \
	not me /org/stillprint org.stillprint.Manager1 FallbackAdd ss office "cups:second"
check "the user releases the job to it" \
	me /org/stillprint/jobs/7 org.stillprint.Job1 Act s "release:$(printer_uri spare)"
check "there it comes out" wait_for 10 has_prints spare 1
wait_for 10 job_is 7 completed
WS_GLOBALS='fallback-require-tls = yes' ws_conf office "ipp://localhost:$(relay_port net)/ipp/print" "fallback = $(printer_uri spare)"
ws_reload
ws_lp -d office "$LAB/hotel.pdf" >/dev/null
check "policy: no fallback without encryption" wait_for 10 job_held_for 8 no-fallback-ready
WS_GLOBALS='fallback-require-tls = yes' ws_conf office "ipp://localhost:$(relay_port net)/ipp/print" "fallback = $(printer_uri spare ipps)"
ws_reload
job_act 8 Release 'a{sv}' 0 >/dev/null
check "policy: with it, yes" wait_for 10 has_prints spare 2
check "another user can neither see nor cancel a job" not as lp busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call \
	org.stillprint /org/stillprint/jobs/8 org.stillprint.Job1 Cancel
plan_done
