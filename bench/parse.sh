#!/bin/sh
# parse.sh - what parsing costs, ours beside the renderers' and the floor, in one run.
# usage: bench/parse.sh BUILD CORPUS [DOCS]   DOCS: a folder of further PDFs, such as Debian's documentation
# Every program runs once a file; "at once" is ours with all files in one process. CPU is user + system of the
# whole process with its children, start-up included. A program that is not installed is left out.
build=$1 corpus=$2 docs=$3
cost=$build/bench/parse-cost inspect="$build/bin/stillprint-ticket --inspect" floor=$build/bench/parse-floor
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

row() { # NAME PAGES OCTETS CPU KB FAILED ENDED
	awk -v name="$1" -v pages="$2" -v cpu="$3" -v kb="$4" -v failed="$5" -v ended="$6" -v ours="$ours" 'BEGIN {
		if (cpu <= 0) cpu = 0.001
		printf "  %-22s %9.3f s %11.0f pages/s %8.1f MB peak %4d failed %3d ended", name, cpu, pages / cpu, kb / 1024, failed, ended
		if (ours > 0) printf " %9.2f x ours", cpu / ours
		print ""
	}'
}

measure() { # NAME COMMAND... -- FILE...
	name=$1
	shift
	command -v "$1" >/dev/null || { echo "  $name: not installed"; return; }
	# shellcheck disable=SC2046 # four numbers
	set -- $("$cost" 60 "$@")
	[ -n "$ours" ] || ours=$1
	row "$name" "$pages" "$1" "$2" "$3" "$4"
}

compare() { # TITLE FILE...
	title=$1
	shift
	$inspect "$@" >"$out/inspected" 2>/dev/null
	pages=$(grep -vc '^# ' "$out/inspected")
	ours=
	echo "$title: $# files, $pages pages"
	measure "ours" $inspect {} -- "$@"
	measure "ours, at once" $inspect -- "$@"
	measure "inflate alone, at once" "$floor" -- "$@"
	measure "gs inkcov" gs -q -dNOPAUSE -dBATCH -sDEVICE=inkcov -r72 -o- {} -- "$@"
	measure "mutool draw" mutool draw -q -r72 -o /dev/null -F ppm {} -- "$@"
	measure "pdftoppm" pdftoppm -r 72 {} -- "$@"
	measure "qpdf --show-npages" qpdf --show-npages {} -- "$@"
}

compare "corpus" "$corpus"/pdf/*.pdf
compare "an 8-page job" "$corpus/pdf/cups__testfile.pdf"
if [ -n "$docs" ]; then
	# The longest first: a few hundred pages each are what start-up does not hide.
	find "$docs" -name '*.pdf' -size +200k | sort | head -n "${DOCS_MAX:-12}" >"$out/list"
	# shellcheck disable=SC2046 # names of packages' files, without blanks
	compare "documentation" $(cat "$out/list")
fi
echo "accuracy, without rendering"
$inspect "$corpus"/pdf/* "$corpus"/ps/* "$corpus"/pcl/* "$corpus"/raster/* >"$out/inspected" 2>/dev/null
awk -v corpus="$corpus" -f "$(dirname "$0")/parse-score.awk" "$corpus/truth.tsv" "$corpus/pagecount.tsv" "$out/inspected" |
	sed 's/^/  /'
