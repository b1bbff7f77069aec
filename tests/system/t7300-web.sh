#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t7300-web.sh - people log in on a plain page, print their jobs at a device and delete them; nobody else can.
# run-tests: deadline 120
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
. "$(dirname "$0")/server.sh"
need curl sqlite3

lab_start
lab_printer hall
lab_printer corner
srv_start
srv_queue Office hall
srv device add corner "$(printer_uri corner)" --no-probe >/dev/null
srv user add bert <<<"$LAB_PASSWORD" >/dev/null
ws_enrol Office
# shellcheck disable=SC2154
url=https://localhost:$SRV_WEB
openssl s_client -connect "localhost:$SRV_WEB" -showcerts </dev/null 2>/dev/null |
	sed -n '/BEGIN CERT/,/END CERT/p' >"$LAB/chain.pem"

# web JAR PATH [CURL-ARGUMENTS...] - the answer with its head, in $LAB/answer
web() { curl -sS -i --cacert "$LAB/chain.pem" -b "$LAB/$1" -c "$LAB/$1" "${@:3}" "$url$2" >"$LAB/answer" 2>"$LAB/curl.said"; }
status() { sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$LAB/answer"; }
says() { grep -qi -- "$1" "$LAB/answer"; }
gets() { web "$1" "$2" && [ "$(status)" = "$3" ]; }                  # JAR PATH STATUS
posts() { web "$1" "$2" "${@:4}" && [ "$(status)" = "$3" ]; }        # JAR PATH STATUS CURL-ARGUMENTS...
token() { web "$1" / && sed -n 's/.*name="token" value="\([0-9a-f]*\)".*/\1/p' "$LAB/answer" | head -n 1; }
login() { posts "$1" /login 303 -d "user=$2" --data-urlencode "password=$LAB_PASSWORD"; }
session() { sed -n 's/.*__Host-stillprint\t\([0-9a-f]*\)$/\1/p' "$LAB/$1"; }

lab_pdf "$LAB/a.pdf" -n 3 -t alpha >/dev/null
ws_lp -d Office -t 'Figures <b>&"x"' "$LAB/a.pdf" >/dev/null
wait_for 10 job_registered 1

# ---- who gets in
check "the page asks for name and password" gets nobody / 200
check "and says nothing of jobs" not says Figures
check "nothing may be loaded from elsewhere, framed or kept" \
	says "content-security-policy: default-src 'self'.*frame-ancestors 'none'"
check "nor stored" says "cache-control: no-store"
check "nor fetched without encryption" says "strict-transport-security: max-age"
check "a wrong password is refused" posts anna /login 403 -d "user=$LAB_USER&password=wrong"
check "in words" says "Name or password is wrong"
check "the right one logs in" login anna "$LAB_USER"
check "the cookie is for this server and its pages alone" \
	says "set-cookie: __Host-stillprint=[0-9a-f]\{32\}; Path=/; Secure; HttpOnly; SameSite=Strict"
check "the jobs are there" gets anna / 200
check "a title is text, not HTML" says 'Figures &lt;b&gt;&amp;&quot;x&quot;'
check "the style is a page of its own" gets anna /style.css 200
etag=$(sed -n 's/^ETag: \(.*\)\r/\1/Ip' "$LAB/answer")
check "that browsers may keep" posts anna /style.css 304 -H "If-None-Match: $etag"

# ---- who may press
t=$(token anna)
check "without the page's token nothing is done" posts anna /jobs 403 -d "do=release&device=hall&job-1=1"
check "nor with another one" posts anna /jobs 403 -d "token=$(printf '0%.0s' {1..32})&do=release&device=hall&job-1=1"
check "nor from another site" posts anna /jobs 403 -H "Origin: https://evil.example" -d "token=$t&do=release&device=hall&job-1=1"
check "nor by nobody" posts nobody /jobs 403 -d "token=$t&do=release&device=hall&job-1=1"
check "another user logs in" login bert bert
check "and does not see the job" gets bert / 200
check "nor its title" not says Figures
b=$(token bert)
check "he presses for a job that is not his" posts bert /jobs 303 -d "token=$b&do=release&device=hall&job-1=1"
check "nothing came of it" same_state 1 held
check "his token does not press for others" posts anna /jobs 403 -d "token=$b&do=release&device=hall&job-1=1"
check "a form that is too large is refused" posts anna /jobs 413 --data-binary "@$LAB/bin/stillprint-server" \
	-H "Content-Type: application/x-www-form-urlencoded"
check "an unknown page is none" gets anna /etc/passwd 404
check "a button is no link" gets anna /jobs 405

# ---- print and delete
check "an unknown device is told" posts anna /jobs 303 -d "token=$t&do=release&device=nowhere&job-1=1"
web anna /
check "in words" says 'role="alert">There is no such device'
check "the job is sent to the device that was chosen" posts anna /jobs 303 -d "token=$t&do=release&device=corner&job-1=1"
check "and printed there" wait_for 10 has_prints corner 1
check "once" same "$(prints hall)" 0
wait_for 10 same_state 1 completed
ws_lp -d Office -t second "$LAB/a.pdf" >/dev/null
wait_for 10 job_registered 2
check "deleting asks first" posts anna /jobs 200 -d "token=$t&do=delete&job-2=1"
check "by name" says second
check "and has done nothing yet" same_state 2 held
check "then it deletes" posts anna /jobs 303 -d "token=$t&do=delete&job-2=1&sure=1"
check "at the server" wait_for 5 same_state 2 canceled
check "and at the workstation" wait_for 10 job_is 2 canceled

# ---- how it ends
old=$(session anna)
check "logging out" posts anna /logout 303 -d "token=$t"
check "ends the session at the server too" posts nobody / 200 -H "Cookie: __Host-stillprint=$old"
check "as the login form shows" says 'name="password"'
login anna "$LAB_USER" && web anna /
check "logged in anew" says "Your print jobs"
srv user disable "$LAB_USER" >/dev/null && web anna /
check "who is disabled is out at once" says 'name="password"'
srv user enable "$LAB_USER" >/dev/null
login anna "$LAB_USER"
srv user password "$LAB_USER" <<<"$LAB_PASSWORD" >/dev/null && web anna /
check "a changed password ends the sessions before it" says 'name="password"'
many() { for _ in {1..25}; do posts bert /jobs 303 -d "token=$b&do=keep" || return 0; done; return 1; }
check "too many buttons at once are refused" many
check "with a word" same "$(status)" 429
guess() { for _ in {1..12}; do posts eve /login 403 -d "user=bert&password=guess" || return 0; done; return 1; }
check "so are too many guesses" guess
check "with a word" same "$(status)" 429

# ---- a real browser, as small as a phone, without scripts
srv_stop && srv_up # a new start forgets the guesses
if ! command -v chromedriver >/dev/null || ! command -v chromium >/dev/null; then
	skip "in a browser" "no chromium"
	plan_done
	exit
fi
driver=$(free_port)
lab_spawn driver chromedriver --port="$driver"
wait_for 10 port_open "$driver"
ws_lp -d Office -t "Annual report, the long one with a very long name that has to wrap somewhere" "$LAB/a.pdf" >/dev/null
ws_lp -d Office -n 2 -t "Lunch menu" "$LAB/a.pdf" >/dev/null
wait_for 10 job_registered 3 && wait_for 10 job_registered 4
page() { "$LAB_HERE/browser.py" "$driver" "$LAB" "$url/" "$@"; }
check "a browser logs in, prints one job at a device and deletes the other" page \
	see "Log in" named fits shot login fill user "$LAB_USER" fill password wrong press "Log in" \
	see "Name or password is wrong" fill password "$LAB_PASSWORD" press "Log in" \
	see "Your print jobs" see "Lunch menu" named fits shot jobs \
	uncheck 2 choose device corner press "Print the checked jobs" see "One job is on its way" \
	unseen "Nothing" fits shot sent uncheck 1 press "Delete the checked jobs" see "will not be printed" named fits shot delete \
	press Keep see "Nothing was deleted" press "Log out" see "Password"
check "the one that was checked is printed" wait_for 10 has_prints corner 2
check "the other is not" same_state 4 held
check "by keyboard alone: name, password, Enter" page see "Log in" \
	key "tab,$LAB_USER,tab,$LAB_PASSWORD,enter" see "Your print jobs"
[ -z "${SHOTS:-}" ] || cp "$LAB"/*.png "$SHOTS/"
plan_done
