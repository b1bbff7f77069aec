#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317,SC2119 # functions are called through check and wait_for
# t0011 - the lab's desktop session: what a user would see and press, with a real notification daemon.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start
need gdbus busctl jq dunst dunstctl Xvfb
lab_session

notify() # SUMMARY BODY ACTIONS
{
	in_session gdbus call --session -d org.freedesktop.Notifications -o /org/freedesktop/Notifications \
		-m org.freedesktop.Notifications.Notify Stillprint 0 '' "$1" "$2" "$3" '{"urgency": <byte 2>}' -- -1
}
same_shown() { same "$(notifications_shown)" "$1"; }
traffic() { grep -aq "\"member\":\"$1\".*$2" "$LAB/log/session-traffic.log"; }

check "a notification is taken" notify 'Server lost' 'Job 5 & <6> wait' '["floor2", "Print on Floor 2", "wait", "Wait"]'
check "it is recorded" wait_for 5 notified 'Server lost'
check "with its text as sent" same "$(notifications | jq -r .body)" 'Job 5 & <6> wait'
check "with its actions" same "$(notifications | jq -c .actions)" '["floor2","Print on Floor 2","wait","Wait"]'
check "with its hints" same "$(notifications | jq .hints.urgency)" 2
check "it is shown" same "$(notifications_shown)" 1
check "the user picks an action" notification_choose 'Floor 2'
check "the answer goes to the sender (who must have stayed to get it)" wait_for 5 traffic ActionInvoked '"floor2"'
notify 'Server back' 'in order' '[]' >/dev/null
check "a second one is recorded" wait_for 5 notified 'Server back'
check "a picture of the screen can be taken" screenshot "$LAB/screen.png"
check "it is a picture" grep -qa PNG "$LAB/screen.png"
notifications_close
check "closed, none is shown" wait_for 5 same_shown 0
check "and dunst's history has both" same "$(notifications_history | jq '.data[0] | length')" 2
check "another user may not talk to that bus" not as daemon gdbus call --session -d org.freedesktop.DBus \
	-o / -m org.freedesktop.DBus.ListNames
plan_done
