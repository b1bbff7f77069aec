/* SPDX-License-Identifier: Apache-2.0 */
/* document - find out what a document is, by its first octets, and read it; with PJL and gzip around it. */
#include "parse/formats.h"
#include "parse/pdf.h"
#include "parse/result.h"
#include <errno.h>
#include <string.h>
#include <time.h>

enum { HEAD = 1024, DOCUMENTS_MAX = 1000 };

static const uint8_t uel[] = "\033%-12345X";

static bool begins(const uint8_t *p, size_t n, const void *with, size_t len)
{
	return n >= len && !memcmp(p, with, len);
}

#define BEGINS(p, n, literal) begins((p), (n), (literal), sizeof(literal) - 1)

static enum parse_format sniff(const uint8_t *p, size_t n)
{
	static const char sync[][5] = {"RaS2", "2SaR", "RaS3", "3SaR", "RaSt", "tSaR"};

	for (size_t i = 0; i < sizeof(sync) / sizeof(sync[0]); i++)
		if (begins(p, n, sync[i], 4))
			return BEGINS(p + 4, n - 4, "PwgRaster") ? PARSE_FORMAT_PWG
								 : PARSE_FORMAT_CUPS;
	if (BEGINS(p, n, "UNIRAST"))
		return PARSE_FORMAT_URF;
	if (BEGINS(p, n, "\xff\xd8\xff"))
		return PARSE_FORMAT_JPEG;
	if (BEGINS(p, n, "\x89PNG\r\n\x1a\n"))
		return PARSE_FORMAT_PNG;
	if (n > 9 && strchr("()'", p[0]) && BEGINS(p + 1, n - 1, " HP-PCL XL"))
		return PARSE_FORMAT_PCLXL;
	if (BEGINS(p, n, "%!") || BEGINS(p, n, "\004%!"))
		return PARSE_FORMAT_POSTSCRIPT;
	if (n > 1 && p[0] == 033 && strchr("E&*()%9=", p[1]))
		return PARSE_FORMAT_PCL;
	return memmem(p, n < HEAD ? n : HEAD, "%PDF-", 5) ? PARSE_FORMAT_PDF : PARSE_FORMAT_UNKNOWN;
}

static bool at_pjl(struct stm *in)
{
	if (!stm_fill(in))
		return false;
	return begins(in->p, (size_t)(in->end - in->p), uel, sizeof(uel) - 1) ||
	       BEGINS(in->p, (size_t)(in->end - in->p), "@PJL");
}

static int read_one(struct format *f, enum parse_format format)
{
	f->r->format = format;
	switch (format) {
	case PARSE_FORMAT_POSTSCRIPT:
		return ps_read(f);
	case PARSE_FORMAT_PCL:
		return pcl_read(f);
	case PARSE_FORMAT_PCLXL:
		return pclxl_read(f);
	case PARSE_FORMAT_PWG:
	case PARSE_FORMAT_CUPS:
		return raster_read(f);
	case PARSE_FORMAT_URF:
		return urf_read(f);
	case PARSE_FORMAT_JPEG:
		return jpeg_read(f);
	case PARSE_FORMAT_PNG:
		return png_read(f);
	default:
		return 0;
	}
}

/* A PDF must be read at random: one that is packed goes to memory first. */
static int read_pdf(struct format *f)
{
	AUTO(src_freep) struct src *src = NULL;
	AUTO(auto_free) uint8_t *buf = NULL;
	size_t room = 1 << 20, n = 0;
	int rc;

	if (!f->in->below) {
		rc = src_new_part(f->src, stm_file_tell(f->in), &src);
		return rc ? rc : pdf_document(src, f->limits, f->r);
	}
	for (;;) {
		uint8_t *more =
			n == room || !buf ? realloc(buf, room = buf ? 2 * room : room) : buf;

		if (!more || room > f->limits->memory_octets / 4) {
			buf = more ? more : buf;
			f->r->flags |= PARSE_F_LIMIT;
			return 0;
		}
		buf = more;
		n += stm_read(f->in, buf + n, room - n);
		if (n < room)
			break;
	}
	rc = src_new_mem(buf, n, &src);
	return rc ? rc : pdf_document(src, f->limits, f->r);
}

/* One document after the other, as PJL jobs may hold several. */
static int read_stream(struct format *f)
{
	int rc = 0;

	for (int i = 0; i < DOCUMENTS_MAX && !rc; i++) {
		enum parse_format format;
		const uint8_t *was;

		while (at_pjl(f->in))
			pjl_read(f);
		if (!stm_fill(f->in))
			break;
		was = f->in->p;
		format = sniff(was, (size_t)(f->in->end - was));
		if (format == PARSE_FORMAT_PDF)
			return read_pdf(f);
		if (format == PARSE_FORMAT_UNKNOWN) {
			/* Something that is not understood after something that is: the count is not the job's. */
			if (f->r->count > 0)
				f->r->flags |= PARSE_F_DAMAGED;
			break;
		}
		rc = read_one(f, format);
		if (!at_pjl(f->in))
			break;
	}
	return rc;
}

/* A PDF whose first line is damaged is drawn by readers all the same; its end says what it is. */
static bool ends_as_pdf(struct src *s)
{
	uint64_t size = src_size(s);
	uint8_t tail[HEAD];
	size_t n = src_read(s, size > HEAD ? size - HEAD : 0, tail, sizeof(tail));
	uint8_t *at = memmem(tail, n, "startxref", 9);

	return at && memmem(at, (size_t)(tail + n - at), "%%EOF", 5);
}

static void budget_init(struct budget *b, const struct parse_limits *limits)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	*b = (struct budget){
		.job_left = limits->job_octets,
		.stream_octets = limits->job_octets, /* a raster job is one stream */
		.deadline_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec +
			       limits->cpu_s * 800000000ull,
	};
}

/* A count that a limit cut short is no count. */
static void forget_part(const struct budget *b, struct parse_result *r)
{
	if (!b->spent)
		return;
	r->flags |= PARSE_F_LIMIT;
	free(r->pages);
	r->pages = NULL;
	r->count = PARSE_COUNT_UNKNOWN;
}

int parse_document(struct src *s, const struct parse_limits *limits, struct parse_result *r)
{
	uint8_t head[HEAD];
	size_t n = src_read(s, 0, head, sizeof(head));
	struct budget budget;
	AUTO(stm_closep) struct stm *in = NULL;
	struct format f = {NULL, s, limits, r};
	enum parse_format format = sniff(head, n);
	int rc;

	if (format == PARSE_FORMAT_UNKNOWN && !BEGINS(head, n, "\x1f\x8b") &&
		!BEGINS(head, n, "@PJL") && ends_as_pdf(s)) {
		r->flags |= PARSE_F_DAMAGED;
		return pdf_document(s, limits, r);
	}
	if (format == PARSE_FORMAT_PDF && !BEGINS(head, n, "\033%-12345X") &&
		!BEGINS(head, n, "@PJL"))
		return pdf_document(s, limits, r);
	budget_init(&budget, limits);
	in = stm_new_file(s, 0, UINT64_MAX, &budget);
	if (in && BEGINS(head, n, "\x1f\x8b"))
		in = stm_new_gzip(in);
	if (!in)
		return -ENOMEM;
	f.in = in;
	rc = read_stream(&f);
	if (r->format != PARSE_FORMAT_PDF)
		forget_part(&budget, r);
	return rc == -ENOMEM ? rc : 0;
}
