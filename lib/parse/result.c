/* SPDX-License-Identifier: Apache-2.0 */
/* result - build, name and free a parse_result. */
#include "parse/result.h"
#include "parse/parse.h"
#include <errno.h>
#include <string.h>

enum { TEXT_MAX = 255 };

void parse_limits_init(struct parse_limits *limits)
{
	*limits = (struct parse_limits){
		.memory_octets = 512ULL << 20,
		.stream_octets = 256ULL << 20,
		.job_octets = 4ULL << 30,
		.cpu_s = 30,
		.wall_ms = 60000,
		.pages = 1000000,
		.objects = 8000000,
		.tolerance = 24,
		.render_pages = 20,
		.render_ms = 10000,
	};
}

int result_new(struct parse_result **out)
{
	struct parse_result *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->count = PARSE_COUNT_UNKNOWN;
	*out = r;
	return 0;
}

void parse_result_free(struct parse_result *r)
{
	if (!r)
		return;
	free(r->pages);
	free(r->title);
	free(r->producer);
	free(r);
}

int result_set_count(struct parse_result *r, int32_t count)
{
	struct parse_page *pages = calloc((size_t)count, sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	free(r->pages);
	r->pages = pages;
	r->count = count;
	return 0;
}

int result_add_page(
	struct parse_result *r, const struct parse_limits *limits, const struct parse_page *page)
{
	size_t n = r->count > 0 ? (size_t)r->count : 0;

	if (n >= limits->pages)
		return -EOVERFLOW;
	/* Room is a power of two, so that it is full exactly when the count is one. */
	if (!(n & (n - 1))) {
		struct parse_page *pages = realloc(r->pages, (n ? 2 * n : 1) * sizeof(*pages));

		if (!pages)
			return -ENOMEM;
		r->pages = pages;
	}
	r->pages[n] = *page;
	r->count = (int32_t)n + 1;
	return 0;
}

/* Length of the well-formed UTF-8 sequence at @s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80       ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (!n || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

char *result_clean_text(const char *s, size_t len)
{
	const unsigned char *in = (const unsigned char *)s;
	char buf[TEXT_MAX + 1];
	size_t n = 0, step;

	for (size_t i = 0; i < len; i += step ? step : 1) {
		/* C1 controls (c2 80..9f) move terminals as C0 ones do. */
		bool control = in[i] < 0x20 || in[i] == 0x7f ||
			       (in[i] == 0xc2 && i + 1 < len && in[i + 1] < 0xa0);

		step = utf8_len(in + i, len - i);
		if (!step || (!n && (in[i] == ' ' || control)))
			continue;
		if (n + step > TEXT_MAX)
			break;
		if (control)
			buf[n++] = ' ';
		else
			for (size_t k = 0; k < step; k++)
				buf[n++] = s[i + k];
	}
	while (n && buf[n - 1] == ' ')
		n--;
	return n ? strndup(buf, n) : NULL;
}

const char *parse_colour_name(enum parse_colour colour)
{
	static const char *const names[] = {"unknown", "gray", "colour"};

	return names[colour];
}

const char *parse_how_name(enum parse_how how)
{
	static const char *const names[] = {"unknown", "parsed", "decoded", "rendered"};

	return names[how];
}

const char *parse_format_mime(enum parse_format format)
{
	static const char *const names[] = {
		[PARSE_FORMAT_UNKNOWN] = "application/octet-stream",
		[PARSE_FORMAT_PDF] = "application/pdf",
		[PARSE_FORMAT_POSTSCRIPT] = "application/postscript",
		[PARSE_FORMAT_PCL] = "application/vnd.hp-pcl",
		[PARSE_FORMAT_PCLXL] = "application/vnd.hp-pclxl",
		[PARSE_FORMAT_PWG] = "image/pwg-raster",
		[PARSE_FORMAT_CUPS] = "application/vnd.cups-raster",
		[PARSE_FORMAT_URF] = "image/urf",
		[PARSE_FORMAT_JPEG] = "image/jpeg",
		[PARSE_FORMAT_PNG] = "image/png",
	};

	return names[format];
}
