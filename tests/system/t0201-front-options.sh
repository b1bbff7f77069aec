#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# t0201-front-options - the same lp command line on a stock everywhere queue and on ours: the printer's record of the one
# and the ticket of the other say the same, and the pages are made once.
# shellcheck source=tests/system/front.sh disable=SC2016,SC2154
. "$(dirname "$0")/front.sh"
front_start
lab_printer mfp --rich
lab_queue one stock "$(printer_uri mfp)" everywhere || die "no stock queue"
# The backend asks once a second whether the print is done; we look at the printer instead.
lab_cups one lpadmin -p stock -v "$(printer_uri mfp)?waitjob=false" 2>/dev/null
lab_pdf "$LAB/a.pdf" -n 6 >"$LAB/a.sha"
printed=0

# stock_says NAME - of the latest print, as ippeveprinter was asked
stock_says() { ticket mfp "$printed" "$1"; }
media_part() { sed -nE "s/.*[{ ]$1=(\{[^}]*\}|[^ }]*).*/\1/p"; }

# The printer does by itself what a ticket leaves out.
ours()
{
	local value
	value=$(says 1 "ticket $1")
	echo "${value:-$2}"
}

row()
{
	local theirs mine copies
	front_lp "$@" "$LAB/a.pdf" || return 1
	lab_lp one -d stock "$@" "$LAB/a.pdf" >"$LAB/.id" || return 1
	printed=$((printed + 1))
	wait_for 15 has_prints mfp $printed || return 1
	copies=$(stock_says COPIES) # a single copy is not worth a word
	theirs="${copies:-1} $(stock_says SIDES) $(stock_says PRINT_COLOR_MODE) $(stock_says PRINT_QUALITY)
		$(stock_says FINISHINGS) $(stock_says OUTPUT_BIN) $(stock_says MULTIPLE_DOCUMENT_HANDLING)
		$(stock_says MEDIA_COL | media_part media-size) $(stock_says MEDIA_COL | media_part media-source)
		$(stock_says MEDIA_COL | media_part media-type) $(print_pages mfp $printed) pages"
	mine="$(ours copies 1) $(ours sides one-sided) $(ours print-color-mode color) $(ours print-quality normal)
		$(ours finishings none) $(ours output-bin face-down)
		$(ours multiple-document-handling separate-documents-collated-copies)
		$(says 1 'ticket media-col' | media_part media-size) $(says 1 'ticket media-col' | media_part media-source)
		$(says 1 'ticket media-col' | media_part media-type) $(pages_stored 1) pages"
	forget
	same "$(xargs <<<"$mine")" "$(xargs <<<"$theirs")"
}

while read -r options; do
	# shellcheck disable=SC2086
	check "same record for: lp $options" row $options
done <<'END'
-n 1
-n 3
-n 3 -o collate=true
-n 2 -o Collate=True -o sides=two-sided-long-edge
-n 3 -o collate=false
-n 3 -o Collate=False
-n 2 -o multiple-document-handling=separate-documents-uncollated-copies
-o sides=two-sided-long-edge
-o sides=two-sided-short-edge
-o Duplex=DuplexTumble
-o print-color-mode=monochrome
-o ColorModel=Gray
-o media=A3
-o media=na_letter_8.5x11in
-o PageSize=A5
-o InputSlot=Tray2
-o InputSlot=tray-2
-o PageSize=A3 -o InputSlot=Tray2
-o media=iso_a3_297x420mm -o InputSlot=Tray2 -o sides=two-sided-long-edge -n 2
-o print-quality=5
-o print-quality=3
-o cupsPrintQuality=Draft
-o finishings=20
-o StapleLocation=SinglePortrait
-o output-bin=face-down
-o OutputBin=FaceDown
-o page-ranges=2-3
-o page-ranges=1-2 -o number-up=2
-o number-up=4
-o number-up=2 -o sides=two-sided-long-edge -n 2
-o page-set=odd
-o fit-to-page -o media=A5
-o orientation-requested=4
-o landscape -o mirror
-o outputorder=reverse
-o number-up=2 -o page-border=single -o number-up-layout=btlr
END

front_lp -o number-up=2 -o page-ranges=1-2 -o orientation-requested=4 -o page-set=odd -o fit-to-page -o mirror \
	-o outputorder=reverse -o page-border=single "$LAB/a.pdf"
check "what the pages have in them is in no ticket" \
	not grep -qE 'number-up|page-ranges|orientation|page-set|fit|mirror|order' <<<"$(says 1 ticket)"
forget

lab_cups one lpadmin -p Office -o Duplex=DuplexNoTumble 2>/dev/null
front_lp "$LAB/a.pdf"
check "duplex as the queue's default reaches the ticket" same "$(says 1 'ticket sides')" two-sided-long-edge
forget
front_lp -o sides=one-sided "$LAB/a.pdf"
check "and the user can undo it" same "$(says 1 'ticket sides')" one-sided
forget
check "cupstestppd finds nothing to complain of" cupstestppd -W none -I filters "$LAB_PPD"
check "the queue's model tells that it is ours" \
	grep -q 'Stillprint Queue' <<<"$(lab_cups one lpstat -l -p Office; lpoptions -h "$(cups_socket one)" -p Office)"
plan_done
