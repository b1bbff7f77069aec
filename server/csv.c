/* SPDX-License-Identifier: Apache-2.0 */
/* csv - see csv.h. */
#include "csv.h"

#include <string.h>

void csv_init(struct csv *c, char *octets, size_t count)
{
	*c = (struct csv){.at = octets, .end = octets + count};
	octets[count] = '\0';
	if (count >= 3 && !memcmp(octets, "\xef\xbb\xbf", 3))
		c->at += 3;
}

static bool at_break(const struct csv *c)
{
	return c->at == c->end || *c->at == '\n' ||
	       (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n');
}

static void skip_break(struct csv *c)
{
	if (c->at < c->end && *c->at == '\r')
		c->at++;
	if (c->at < c->end)
		c->at++;
	c->lines++;
}

/* In quotes; the closing one is left behind. */
static void quoted(struct csv *c, char **out)
{
	char *to = ++c->at;

	*out = to;
	for (; c->at < c->end; c->at++) {
		if (*c->at == '"' && (c->at + 1 == c->end || c->at[1] != '"'))
			break;
		if (*c->at == '"')
			c->at++;
		if (*c->at == '\n')
			c->lines++;
		if (!*c->at)
			c->why = "there is an octet 0 in it";
		*to++ = *c->at;
	}
	if (c->at == c->end) {
		c->why = "a quote is not closed";
		return;
	}
	c->at++;
	*to = '\0';
	if (!at_break(c) && *c->at != ',')
		c->why = "there is more after a closing quote; a quote within is written twice";
}

static void plain(struct csv *c, char **out)
{
	*out = c->at;
	while (!at_break(c) && *c->at != ',') {
		if (*c->at == '"' || *c->at == '\r')
			c->why = "a quote or line break stands in a field without quotes";
		if (!*c->at)
			c->why = "there is an octet 0 in it";
		c->at++;
	}
}

static void skip_record(struct csv *c)
{
	while (!at_break(c))
		c->at++;
}

int csv_next(struct csv *c, char **field, size_t max, size_t *count)
{
	char *end;

	while (c->at < c->end && at_break(c))
		skip_break(c);
	if (c->at == c->end)
		return 0;
	c->line = c->lines + 1;
	c->why = NULL;
	for (*count = 0; *count < max;) {
		if (*c->at == '"')
			quoted(c, &field[(*count)++]);
		else
			plain(c, &field[(*count)++]);
		if (c->why || c->at == c->end || *c->at != ',')
			break;
		if (*count == max)
			c->why = "there are more fields than columns";
		else
			*c->at++ = '\0';
	}
	if (c->why)
		skip_record(c);
	end = c->at;
	if (c->at < c->end)
		skip_break(c);
	*end = '\0'; /* after the break was seen: it ends the last field */
	return c->why ? -1 : 1;
}

void csv_write(FILE *to, const char *text)
{
	if (!text[strcspn(text, "\",\r\n")] && *text != ' ') {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}
