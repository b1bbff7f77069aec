/* SPDX-License-Identifier: Apache-2.0 */
/* pjl - the lines of HP's Printer Job Language around a document, and what all formats share. */
#include "parse/formats.h"
#include "parse/result.h"
#include <ctype.h>
#include <string.h>

bool format_line(struct stm *in, char *buf, size_t size)
{
	size_t n = 0;
	int c = stm_get(in);

	if (c < 0)
		return false;
	for (; c >= 0 && c != '\n' && c != '\r'; c = stm_get(in))
		if (n + 1 < size)
			buf[n++] = c ? (char)c : ' ';
	if (c == '\r' && stm_peek(in) == '\n')
		in->p++;
	buf[n] = '\0';
	return true;
}

void format_job(struct parse_result *r, int32_t copies, int32_t duplex)
{
	if (copies > 0 && copies <= 99999 && !r->copies)
		r->copies = copies;
	if (duplex > 0 && duplex <= 3 && !r->duplex)
		r->duplex = duplex;
	if (r->copies || r->duplex)
		r->flags |= PARSE_F_JOB;
}

/* What follows "@key" in @line, blanks and "=" skipped. NULL if it does not begin so. */
static const char *after(const char *line, const char *key)
{
	while (*key) {
		if (*key == ' ') {
			if (!isspace((unsigned char)*line))
				return NULL;
			while (isspace((unsigned char)*line))
				line++;
			key++;
		} else if (toupper((unsigned char)*line++) != *key++) {
			return NULL;
		}
	}
	while (isspace((unsigned char)*line) || *line == '=')
		line++;
	return line;
}

static void note_title(struct parse_result *r, const char *value)
{
	const char *from = strchr(value, '"'), *to = from ? strchr(from + 1, '"') : NULL;

	if (!r->title && to)
		r->title = result_clean_text(from + 1, (size_t)(to - from - 1));
}

static void read_line(struct parse_result *r, const char *line)
{
	const char *v;

	if ((v = after(line, "@PJL SET COPIES")) || (v = after(line, "@PJL SET QTY"))) {
		format_job(r, (int32_t)strtol(v, NULL, 10), 0);
	} else if ((v = after(line, "@PJL SET DUPLEX"))) {
		if (!strncasecmp(v, "OFF", 3))
			format_job(r, 0, 1);
		else if (!strncasecmp(v, "ON", 2))
			format_job(r, 0, 2);
	} else if ((v = after(line, "@PJL SET BINDING"))) {
		if (r->duplex == 2 && !strncasecmp(v, "SHORT", 5))
			r->duplex = 3;
	} else if ((v = after(line, "@PJL SET JOBNAME")) || (v = after(line, "@PJL JOB NAME"))) {
		note_title(r, v);
	}
}

void pjl_read(struct format *f)
{
	char line[512];

	if (stm_peek(f->in) == 033)
		stm_skip(f->in, 9);
	while (stm_fill(f->in) &&
		(stm_peek(f->in) == '@' || stm_peek(f->in) == '\r' || stm_peek(f->in) == '\n')) {
		if (!format_line(f->in, line, sizeof(line)))
			return;
		read_line(f->r, line);
		if (after(line, "@PJL ENTER LANGUAGE"))
			return;
	}
}
