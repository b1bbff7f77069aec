/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-csv - lists as RFC 4180 has them, and what is none. */
#include "../server/csv.h"

#include <string.h>

#include "tap.h"

enum { FIELDS = 4 };

/* The records as "a|b/c|d", a faulty one as "!LINE". */
static const char *read_all(const char *text, size_t size)
{
	static char out[4096];
	char *octets = malloc(size + 1),
	     *field[FIELDS]; /* exactly: a reader that goes too far is seen */
	size_t n, used = 0;
	struct csv c;
	int rc;

	memcpy(octets, text, size);
	csv_init(&c, octets, size);
	out[0] = '\0';
	while ((rc = csv_next(&c, field, FIELDS, &n)) && used < sizeof(out) - 256) {
		used += (size_t)sprintf(out + used, "%s", used ? "/" : "");
		if (rc < 0)
			used += (size_t)sprintf(out + used, "!%d", c.line);
		for (size_t i = 0; rc > 0 && i < n; i++)
			used += (size_t)snprintf(out + used, 200, "%s%s", i ? "|" : "", field[i]);
	}
	free(octets);
	return out;
}

static void records_are_read(void)
{
	static const struct {
		const char *text, *records;
	} cases[] = {
		{"", ""},
		{"\n\r\n", ""},
		{"a,b\nc,d\n", "a|b/c|d"},
		{"a,b\r\nc,d", "a|b/c|d"},
		{"\xef\xbb\xbf"
		 "a,b\n",
			"a|b"},
		{"a,,\n,b\n", "a||/|b"},
		{"\"a\",\"b,c\"\n", "a|b,c"},
		{"\"a\"\"b\",c\n", "a\"b|c"},
		{"\"a\nb\",c\nd,e\n", "a\nb|c/d|e"},
		{"\"\",\"\"", "|"},
		{"a\n\nb\n", "a/b"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(!strcmp(read_all(cases[i].text, strlen(cases[i].text)), cases[i].records));
}

static void faulty_ones_are_named_by_their_line_and_the_rest_is_read(void)
{
	static const struct {
		const char *text, *records;
	} cases[] = {
		{"a\nb\"c\nd\n", "a/!2/d"},
		{"a\n\"b\"c\nd\n", "a/!2/d"},
		{"\"a\nb\"\n1,2,3,4,5\nd\n", "a\nb/!3/d"},
		{"a\n\"b\nc", "a/!2"},
		{"a\rb\nc\n", "!1/c"},
		{"\"", "!1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(!strcmp(read_all(cases[i].text, strlen(cases[i].text)), cases[i].records));
	CHECK(!strcmp(read_all("a\0b,c\nd\n", 8), "!1/d"));
	CHECK(!strcmp(read_all("\"a\0b\",c\nd\n", 10), "!1/d"));
}

static void whatever_octets_come_it_ends(void)
{
	static const char octets[] = "a\",\r\n\0";
	char text[24];
	unsigned seed = 1;

	for (int i = 0; i < 200000; i++) {
		size_t n = (seed >> 8) % sizeof(text);

		for (size_t k = 0; k < n; k++) {
			seed = seed * 1103515245 + 12345;
			text[k] = octets[(seed >> 16) % 6];
		}
		seed = seed * 1103515245 + 12345;
		read_all(text, n);
	}
	CHECK(true);
}

static void what_is_written_is_read_back(void)
{
	static const char *const words[] = {"a", "", "a,b", "a\"b", "\"", "a\nb", "a\r\nb", " a"};
	char *text = NULL, *field[FIELDS];
	size_t size = 0, n;
	struct csv c;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		FILE *f = open_memstream(&text, &size);

		csv_write(f, words[i]);
		fputs(",x\r\n", f);
		fclose(f);
		csv_init(&c, text, size);
		CHECK(csv_next(&c, field, FIELDS, &n) == 1 && n == 2 &&
			!strcmp(field[0], words[i]));
		free(text);
	}
}

int main(void)
{
	RUN(records_are_read);
	RUN(faulty_ones_are_named_by_their_line_and_the_rest_is_read);
	RUN(whatever_octets_come_it_ends);
	RUN(what_is_written_is_read_back);
	return tap_done();
}
