#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# choose.sh - stands in for dmenu: takes the line of the menu that holds the text in $LAB_CHOICE, as a user would.
tee "$LAB_CHOICE.menu" | grep -m 1 -F -- "$(cat "$LAB_CHOICE")"
