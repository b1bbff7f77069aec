#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mfp-command.sh - what lab_printer's ippeveprinter runs for each print: record it, report impressions, misbehave.
# $MFP_DIR holds the record: `started` (a line when a print begins), `prints` (a line when the paper is out:
# NUMBER SHA256 PAGES OCTETS TYPE TEXT, the first word), ticket.N (the IPP_* environment), and doc.N if a file `keep` is there.
# Files that a test puts there, obeyed by every print while they exist:
#   slow    at most so many seconds before the paper is out; removing the file lets the print go on at once
#   reason  e.g. media-empty: reported as printer-state-reasons; the print waits until the file is removed
#   fail    the job is aborted; the file's number, if any, is reported as impressions done before that
#   mute    impressions are not reported (a printer that does not count)
set -u
cd "$MFP_DIR" || exit 1
file=$1
exec {never}<> <(:)
nap() { read -rt 0.03 -u "$never" || :; }
say() { [ -e mute ] || echo "ATTR: job-impressions=$1 job-impressions-completed=$2" >&2; }

sha=$(sha256sum <"$file") && sha=${sha%% *}
case ${CONTENT_TYPE:-} in
*raster* | image/urf) pages=${IPP_JOB_IMPRESSIONS:-1} ;;
*) pages=$(pdfinfo "$file" 2>/dev/null | sed -n 's/^Pages: *//p') ;;
esac
text=$(pdftotext -l 4 "$file" - 2>/dev/null | tr -s '\f\n ' '\n' | grep -m 1 .) # page 1 may be a filler
pages=${pages:-0} octets=$(stat -c %s "$file")
echo "$sha $pages $octets ${CONTENT_TYPE:--} ${text:--}" >>started
impressions=$((pages * ${IPP_COPIES:-1}))

if [ -s slow ]; then
	deadline=$((${EPOCHREALTIME/./} + $(<slow) * 1000000))
	while [ -e slow ] && [ "${EPOCHREALTIME/./}" -lt "$deadline" ]; do nap; done
fi
if [ -s reason ]; then
	why=$(<reason)
	echo "STATE: +$why" >&2
	while [ -e reason ]; do nap; done
	echo "STATE: -$why" >&2
fi
if [ -e fail ]; then
	done=$(<fail)
	say "$impressions" "${done:-0}"
	echo "ERROR: the test wants this print to fail" >&2
	exit 1
fi

exec {lock}>>.lock
flock "$lock"
n=$(($(wc -l <prints) + 1))
env | grep -E '^(IPP_|CONTENT_TYPE=|DEVICE_URI=|OUTPUT_TYPE=)' | sort >"ticket.$n"
[ ! -e keep ] || cp "$file" "doc.$n"
echo "$n $sha $pages $octets ${CONTENT_TYPE:--} ${text:--}" >>prints
say "$impressions" "$impressions"
exit 0
