#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint-floors - fail on an #include that goes up a floor, across a floor, or to a library not ours.
# docs/floors lists, for each folder, what its files may include.
rooms=$(ls -d lib backend filter pam dbus server terminal 2>/dev/null)
find $rooms -name '*.[ch]' -exec awk '
FILENAME == "docs/floors" { if ($1 !~ /^#/ && NF) for (i = 2; i <= NF; i++) may[$1, $i] = 1; next }
/^#[ \t]*include/ {
	dir = FILENAME; sub("/[^/]*$", "", dir)
	to = $2; gsub(/[<">]/, "", to)
	if (to !~ "/" && $2 ~ /^"/) next		# a neighbour in the same folder
	sub("/[^/]*$", "", to)
	if ($2 ~ /^"/ ? !may[dir, "lib/" to] : guarded(to) && !may[dir, to]) {
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, dir, $2; bad = 1
	}
}
function guarded(name) { return name ~ /^(cups|dbus|security|systemd|sqlite3\.h|json-c|qpdf|jpeglib\.h|openjpeg\.h|zlib\.h|seccomp\.h|crypt\.h|sodium.*|microhttpd.*|curl|gnutls|libpq.*|avahi-.*)$/ }
END { exit bad }
' docs/floors {} + 2>/dev/null
