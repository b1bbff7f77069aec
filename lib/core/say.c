/* SPDX-License-Identifier: Apache-2.0 */
/* say - see say.h. */
#include "core/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void say(const char *prefix, const char *fmt, ...)
{
	char line[SAY_LINE_MAX + 1];
	int saved = errno, n = snprintf(line, sizeof(line), "%s: ", prefix);
	va_list args;
	size_t count;

	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, args);
	va_end(args);
	count = strlen(line);
	if (count > SAY_LINE_MAX - 1)
		count = SAY_LINE_MAX - 1;
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[count++] = '\n';
	/* Nobody is left to hear of a failure here. */
	while (write(STDERR_FILENO, line, count) < 0 && errno == EINTR)
		;
	errno = saved;
}
