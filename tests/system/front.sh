# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# front.sh - for the tests of filter and backend: lib.sh's lab with the daemon's half of the spool played by `unseal`.
# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# front_start [CUPSD.CONF LINES] - spool, cupsd `one`, queue `Office`
front_start()
{
	lab_start
	need cupsd lp pdfinfo
	lab_tool unseal make-pdf
	[ -x "$LAB_BACKEND" ] && [ -x "$LAB_FILTER" ] && [ -s "$LAB_PPD" ] || die "backend, filter or PPD is not built"
	FRONT_IN=$LAB/spool/incoming
	install -d -m 755 "$LAB/spool"
	install -d -o lp -g nogroup -m 2770 "$FRONT_IN"
	front_key
	lab_cupsd one "$@"
	lab_queue one Office stillprint:office ppd "$LAB_PPD" -o printer-error-policy=retry-job || die "no queue"
}

front_key() { "$LAB_TOOLS/unseal" keys "$LAB/secret" "$LAB/spool/intake.pub"; }

jobs_stored() { find "$FRONT_IN" -name '*.job' | wc -l; }
temps_left() { find "$FRONT_IN" -type f ! -name '*.job' | wc -l; }
has_stored() { [ "$(jobs_stored)" -ge "$1" ]; }
stored() { find "$FRONT_IN" -name '*.job' | sort | sed -n "$1p"; } # N: the n-th file, in the order of their names
forget() { rm -f "$FRONT_IN"/*.job; }
says() { "$LAB_TOOLS/unseal" show "$LAB/secret" "$(stored "$1")" | sed -n "s/^$2 //p"; } # N 'env NAME': its value
pages_stored()
{
	"$LAB_TOOLS/unseal" document "$LAB/secret" "$(stored "$1")" >"$LAB/.document" &&
		pdfinfo "$LAB/.document" | sed -n 's/^Pages: *//p'
}

# front_lp LP-ARGUMENTS... - print to Office and wait until cupsd has finished with it; sets id
front_lp()
{
	id=$(lab_lp one -d Office "$@") || return 1
	wait_for 20 job_done one "$id"
}

job_log() { grep -aF "[Job ${1##*-}]" "$LAB/one/log/error_log"; }
log_has() { job_log "$1" | grep -qE -- "$2"; } # REQUEST-ID REGEX
