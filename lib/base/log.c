/* SPDX-License-Identifier: Apache-2.0 */
/* log - see log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_OCTETS = 2048, QUOTE_OCTETS = 120, QUOTE_BUFFERS = 8 };

static enum log_level limit = LOG_LVL_INFO;

void log_set_level(enum log_level level)
{
	limit = level;
}

/* sd-daemon(3): the journal names the stream that it listens to; a file that we were redirected to wants no prefix. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device = 0, inode = 0;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 ||
		fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

void log_event(enum log_level level, const char *fmt, ...)
{
	static const char *const priority[] = {"<3>", "<4>", "<6>", "<7>"};
	char line[LINE_OCTETS] = "";
	int kept = errno;
	size_t start = 0, end = 0;
	va_list ap;

	if (level > limit || level > LOG_LVL_DEBUG)
		return;
	if (stderr_is_journal()) {
		strcpy(line, priority[level]);
		start = strlen(line);
	}
	va_start(ap, fmt);
	vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
	va_end(ap);

	/* One event is one line, whatever a value had in it. */
	end = strlen(line);
	for (size_t i = start; i < end; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[end++] = '\n';
	for (size_t done = 0; done < end;) {
		ssize_t n = write(STDERR_FILENO, line + done, end - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* nobody to tell */
		done += (size_t)n;
	}
	errno = kept;
}

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"'\\", c);
}

const char *log_quote(const char *value)
{
	static char ring[QUOTE_BUFFERS][QUOTE_OCTETS + 1];
	static unsigned next;
	char *out = ring[next++ % QUOTE_BUFFERS];
	size_t used = 0, whole = 0;

	if (!value || !*value)
		return "-";
	for (const char *p = value; *p && whole <= QUOTE_OCTETS; p++)
		whole += is_plain((unsigned char)*p) ? 1 : 4;
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (whole > QUOTE_OCTETS && used + (is_plain(*p) ? 1 : 4) > QUOTE_OCTETS - 3) {
			strcpy(out + used, "...");
			break;
		}
		used += (size_t)sprintf(out + used, is_plain(*p) ? "%c" : "\\x%02x", *p);
	}
	return out;
}
