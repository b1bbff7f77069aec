#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t2000 - options survive: what a stock queue makes the printer do, ours makes it do, through an upstream, a server and a
# CUPS queue of this machine; nothing twice, and what the target cannot do is dropped and told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"

lab_start
lab_printer mfp --rich
lab_printer poor
lab_pdf "$LAB/a.pdf" -n 5 -t alpha >/dev/null
ws_start office "$(printer_uri mfp)"
lab_queue ws stock "$(printer_uri mfp)"
n=0

# record N - what the printer was told to do. What a job did not name is the printer's own default, which a stock queue
# spells out; margins are left to the printer by us, a stock queue loses a tray that is
# named beside the size, and stapling.
record()
{
	local t=$LAB/mfp/ticket.$1 name value
	for name in COPIES SIDES PRINT_COLOR_MODE PRINT_QUALITY OUTPUT_BIN NUMBER_UP ORIENTATION_REQUESTED \
		MULTIPLE_DOCUMENT_HANDLING; do
		[ "$name" != MULTIPLE_DOCUMENT_HANDLING ] || [ "$(ticket mfp "$1" COPIES)" -gt 1 ] 2>/dev/null || continue
		value=$(sed -n "s/^IPP_$name=//p" "$t")
		echo "$name=${value:-$(sed -n "s/^IPP_${name}_DEFAULT=//p" "$t")}"
	done
	sed -n -e 's/ media-[a-z]*-margin=[0-9]*//g' -e 's/ media-source=[^ }]*//' -e '/^IPP_\(MEDIA\|MEDIA_COL\|PAGE_RANGES\)=/p' "$t"
	echo "pages=$(print_pages mfp "$1")"
}

# as_stock LP-OPTIONS... - the same command line on both queues
as_stock()
{
	ws_lp -d stock "$@" "$LAB/a.pdf" >/dev/null
	wait_for 15 has_prints mfp $((n + 1)) || return 1
	ws_lp -d office "$@" "$LAB/a.pdf" >/dev/null
	wait_for 15 has_prints mfp $((n + 2)) || return 1
	record $((n + 1)) >"$LAB/stock"
	record $((n + 2)) >"$LAB/ours"
	n=$((n + 2))
	diff "$LAB/stock" "$LAB/ours"
}

check "no options" as_stock
check "copies" as_stock -n 3
check "copies, collated" as_stock -n 2 -o Collate=True
check "copies, uncollated" as_stock -n 2 -o Collate=False
check "two-sided, long edge" as_stock -o sides=two-sided-long-edge
check "two-sided, short edge" as_stock -o sides=two-sided-short-edge
check "A5" as_stock -o media=A5
check "A3 from a tray" as_stock -o media=iso_a3_297x420mm,tray-2
check "tray by InputSlot" as_stock -o media=a4 -o media-source=tray-2
check "grayscale" as_stock -o print-color-mode=monochrome
check "quality" as_stock -o print-quality=5
# a stock queue of this printer loses stapling; ours keeps it
check "stapled: the rest as in stock" as_stock -o finishings=4
check "stapled" same "$(ticket mfp $n FINISHINGS)" staple
check "stapled and punched: the rest as in stock" as_stock -o finishings=20,5
check "stapled and punched" same "$(ticket mfp $n FINISHINGS)" staple-top-left,punch
check "page range: applied once" as_stock -o page-ranges=2-4
check "two pages on a side: applied once" as_stock -o number-up=2
check "landscape" as_stock -o landscape
check "all at once" as_stock -n 2 -o sides=two-sided-long-edge -o media=A4 -o finishings=4 -o print-color-mode=monochrome -o page-ranges=1-3

# what the target cannot do is dropped and told
ws_conf office "$(printer_uri poor)"
ws_reload
id=$(store_sql 'select max(id) from job')
ws_lp -d office -o finishings=4 -o media=A4 "$LAB/a.pdf" >/dev/null
check "a poorer printer prints it all the same" wait_for 15 has_prints poor 1
check "and what it cannot do is told" same "$(job_field $((id + 1)) Dropped)" finishings

# through a CUPS queue of this machine as fallback: the same as that queue does by itself
lab_queue ws local "$(printer_uri mfp)"
ws_conf office "ipp://localhost:$(free_port)/ipp/print" "fallback = cups:local"
ws_reload
check "through cups:NAME: copies and sides" as_stock -n 2 -o sides=two-sided-long-edge
check "through cups:NAME: page range, applied once" as_stock -o page-ranges=2-4 -o media=A4
check "through cups:NAME: stapled" as_stock -o finishings=4
plan_done
