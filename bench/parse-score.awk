# parse-score.awk - hold what --inspect printed against the corpus' truth.
# usage: awk -v corpus=FOLDER -f parse-score.awk truth.tsv pagecount.tsv inspected
# Pages that are borderline are never counted. Exits 1 when a count or a size is wrong.
BEGIN { FS = "\t" }
FNR == 1 { nr_file++ }
/^#/ && nr_file < 3 { next }
nr_file == 1 { if ($1 != "file") { colour[$1, $2] = $3; width[$1, $2] = $4; height[$1, $2] = $5; order[++n] = $1 SUBSEP $2 } next }
nr_file == 2 { if ($1 != "file" && $2 != "-") pages[$1] = $2; next }
/^# / { file = substr($0, 3 + length(corpus) + 1); next }
{ got[file, $1] = $2; gw[file, $1] = $4; gh[file, $1] = $5; gn[file]++ }
function near(a, b) { return a == "-" || (a - b <= 1 && b - a <= 1) }
END {
	for (f in pages) if (gn[f] + 0 != pages[f]) { bad_count++; print "count: " f ": " gn[f] + 0 ", want " pages[f] }
	for (i = 1; i <= n; i++) {
		k = order[i]; split(k, at, SUBSEP)
		# UserUnit is applied by us and not by the truth: a size that is the same but for a factor is no mistake.
		if ((k in got) && !(near(width[k], gw[k]) && near(height[k], gh[k])) &&
		    !(gw[k] * height[k] == gh[k] * width[k])) { bad_size++; print "size: " at[1] " " at[2] ": " gw[k] " x " gh[k] }
		if (colour[k] == "borderline") continue
		all++
		if (got[k] == colour[k]) right++
		else if (got[k] == "" || got[k] == "unknown") { unknown++; print "unknown: " at[1] " " at[2] }
		else if (got[k] == "colour") { gray_called_colour++; print "gray called colour: " at[1] " " at[2] }
		else { colour_called_gray++; print "colour called gray: " at[1] " " at[2] }
	}
	if (all) printf "%d pages: %.3f %% right, %d gray called colour, %d colour called gray, %d unknown; wrong counts %d, wrong sizes %d\n",
		all, 100 * right / all, gray_called_colour, colour_called_gray, unknown, bad_count, bad_size
	exit bad_count + bad_size > 0
}
