#!/bin/sh
# parse.sh - what parsing costs, ours beside the renderers' and the floor, in one run.
# usage: bench/parse.sh BUILD CORPUS [DOCS]   DOCS: a folder of further PDFs, such as Debian's documentation
# Every program runs once a file; "at once" is ours with all files in one process. CPU is user + system of the
# whole process with its children, start-up included. A program that is not installed is left out. The last two
# columns are what a program costs as a multiple of ours, a process a file and all at once.
build=$1 corpus=$2 docs=$3
cost=$build/bench/parse-cost filter=$build/bin/stillprint-ticket floor=$build/bench/parse-floor make=$build/bench/parse-make
inspect="$filter --inspect"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

row() { # NAME PAGES CPU KB FAILED ENDED
	awk -v name="$1" -v pages="$2" -v cpu="$3" -v kb="$4" -v failed="$5" -v ended="$6" -v ours="$ours" -v once="$once" 'BEGIN {
		if (cpu <= 0) cpu = 0.001
		printf "  %-22s %9.3f s %9.0f pages/s %7.1f MB peak %3d failed %2d ended", name, cpu, pages / cpu, kb / 1024, failed, ended
		if (ours > 0) printf " %8.2f x ours", cpu / ours
		if (once > 0) printf " %8.2f x at once", cpu / once
		print ""
	}'
}

measure() { # NAME COMMAND... -- FILE...
	name=$1
	shift
	command -v "$1" >/dev/null || { echo "  $name: not installed"; return; }
	# shellcheck disable=SC2046 # four numbers
	set -- $("$cost" 120 "$@")
	[ -n "$ours" ] || ours=$1
	[ "$name" != "ours, at once" ] || once=$1
	row "$name" "$pages" "$1" "$2" "$3" "$4"
}

count_pages() { # FILE...
	$inspect "$@" >"$out/inspected" 2>/dev/null
	pages=$(grep -vc '^# ' "$out/inspected")
	ours='' once=''
}

compare() { # TITLE FILE...
	title=$1
	shift
	count_pages "$@"
	echo "$title: $# files, $pages pages"
	measure "ours" $inspect {} -- "$@"
	[ $# -eq 1 ] || measure "ours, at once" $inspect -- "$@"
	measure "the whole filter" "$filter" 1 user title 1 '' {} -- "$@"
	measure "inflate alone, at once" "$floor" -- "$@"
	measure "gs inkcov" gs -q -dNOPAUSE -dBATCH -sDEVICE=inkcov -r72 -o- {} -- "$@"
	measure "mutool draw" mutool draw -q -r72 -o /dev/null -F ppm {} -- "$@"
	measure "pdftoppm" pdftoppm -r 72 {} -- "$@"
	measure "qpdf --show-npages" qpdf --show-npages {} -- "$@"
}

# Filter and parser together: processor time, and memory against the limit of 64 MB and a tenth of the file.
whole() { # TITLE KIND COUNT
	"$make" "$2" "$3" >"$out/$2.pdf" || return
	octets=$(wc -c <"$out/$2.pdf")
	begin=$(date +%s%N)
	# shellcheck disable=SC2046 # four numbers
	set -- "$1" "$out/$2.pdf" $("$cost" -t 120 "$filter" 1 user title 1 '' {} -- "$out/$2.pdf")
	awk -v title="$1" -v octets="$octets" -v cpu="$3" -v kb="$4" -v failed="$5" -v ms=$((($(date +%s%N) - begin) / 1000000)) 'BEGIN {
		printf "  %-30s %8.1f MB %8.3f s CPU %6d ms %6.1f MB of %.0f together %s\n", title, octets / 1e6, cpu, ms,
			kb / 1024, 64 + octets / 10 / 1048576, failed ? "FAILED" : ""
	}'
	rm "$2"
}

compare "corpus" "$corpus"/pdf/*.pdf
compare "an 8-page job" "$corpus/pdf/cups__testfile.pdf"
for kind in flate jpeg; do
	"$make" $kind 40 >"$out/gray.pdf"
	compare "gray scans as RGB, $kind" "$out/gray.pdf"
done
"$make" text 1000 >"$out/text.pdf"
compare "text" "$out/text.pdf"
rm "$out"/*.pdf
if [ -n "$docs" ]; then
	# The longest first: a few hundred pages each are what start-up does not hide.
	find "$docs" -name '*.pdf' -size +200k | sort | head -n "${DOCS_MAX:-12}" >"$out/list"
	# shellcheck disable=SC2046 # names of packages' files, without blanks
	compare "documentation" $(cat "$out/list")
fi
echo "the whole filter"
whole "20,000 pages of text" text 20000
whole "200 MB of colour, Flate" photo 92
whole "200 MB of gray as RGB, Flate" flate 92
whole "200 MB of gray as RGB, JPEG" jpeg 290
whole "5 kB that unpack to 3 GB" bomb 3000000000
if [ "$(df -Pk "$out" | awk 'NR == 2 { print $4 }')" -gt 6000000 ]; then
	whole "over 2 GB" photo 1000
else
	echo "  over 2 GB: left out, too little room in $out"
fi
echo "accuracy, without rendering"
$inspect "$corpus"/pdf/* "$corpus"/ps/* "$corpus"/pcl/* "$corpus"/raster/* >"$out/inspected" 2>/dev/null
awk -v corpus="$corpus" -f "$(dirname "$0")/parse-score.awk" "$corpus/truth.tsv" "$corpus/pagecount.tsv" "$out/inspected" |
	sed 's/^/  /'
