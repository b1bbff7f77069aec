/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_repair - rebuild the cross-reference of a damaged file by one pass over its octets.
 *
 * Later objects win over earlier ones of the same number, as in an updated file. */
#include "parse/pdf.h"
#include "parse/pdf_chars.h"
#include <errno.h>
#include <string.h>

enum {
	CHUNK = 64 << 10,
	OVERLAP = 64, /* "number generation obj" with generous blanks */
	TRAILERS = 64,
	OBJSTMS = 65536,
};

struct found {
	uint64_t trailers[TRAILERS]; /* offsets after the word, the last ones */
	uint32_t ntrailers;
	uint32_t catalog;
	struct obj xref_dict; /* of the last XRef stream that has a Root */
	uint32_t *objstms;
	uint32_t nobjstms;
};

/* Reads a number backwards from @p. Return: where it begins, or NULL. */
static const uint8_t *number_before(const uint8_t *start, const uint8_t *p, uint64_t *value)
{
	const uint8_t *end;

	while (p > start && pdf_is_space(p[-1]))
		p--;
	end = p;
	while (p > start && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == end || end - p > 10)
		return NULL;
	*value = 0;
	for (const uint8_t *d = p; d < end; d++)
		*value = *value * 10 + (uint64_t)(*d - '0');
	return p;
}

/* An "obj" at @hit: is it the head of an object? */
static void maybe_object(struct pdf *pdf, const uint8_t *buf, const uint8_t *hit, uint64_t off)
{
	uint64_t num, gen;
	const uint8_t *p = number_before(buf, hit, &gen);

	if (!p || p == buf || !pdf_is_space(p[-1]))
		return;
	p = number_before(buf, p, &num);
	if (!p || !num || num > pdf->limits->objects)
		return;
	pdf_xref_set(pdf, (uint32_t)num, xref_make(XREF_FILE, off + (uint64_t)(p - buf)));
}

static void scan_chunk(
	struct pdf *pdf, const uint8_t *buf, size_t n, size_t skip, uint64_t off, struct found *f)
{
	const uint8_t *p = buf + skip, *end = buf + n;

	while ((p = memmem(p, (size_t)(end - p), "obj", 3)) != NULL) {
		maybe_object(pdf, buf, p, off);
		p += 3;
	}
	for (p = buf + skip; (p = memmem(p, (size_t)(end - p), "trailer", 7)) != NULL; p += 7)
		f->trailers[f->ntrailers++ % TRAILERS] = off + (uint64_t)(p - buf) + 7;
}

static void scan_file(struct pdf *pdf, struct found *f)
{
	uint8_t *buf = malloc(OVERLAP + CHUNK);
	uint64_t off = 0;
	size_t kept = 0;

	while (buf && budget_look(&pdf->budget)) {
		size_t n = src_read(pdf->src, off, buf + kept, CHUNK);

		if (!n)
			break;
		/* Hits that begin in the part kept from before were seen unless they end in this one. */
		scan_chunk(pdf, buf, kept + n, kept > 6 ? kept - 6 : 0, off - kept, f);
		off += n;
		n += kept;
		kept = n < OVERLAP ? n : OVERLAP;
		memmove(buf, buf + n - kept, kept);
	}
	free(buf);
}

static void note_object(struct pdf *pdf, uint32_t num, const struct obj *o, struct found *f)
{
	const struct obj *type = pdf_raw(o, "Type");

	if (!type)
		return;
	if (pdf_name_is(type, "Catalog") && pdf_raw(o, "Pages"))
		f->catalog = num;
	if (o->type != OBJ_STREAM)
		return;
	if (pdf_name_is(type, "ObjStm") && f->objstms && f->nobjstms < OBJSTMS)
		f->objstms[f->nobjstms++] = num;
	if (pdf_name_is(type, "XRef") && pdf_raw(o, "Root")) {
		uint32_t again;
		struct obj kept;

		if (pdf_read_head(
			    pdf, xref_where(pdf->xref[num]), &pdf->trailer_arena, &again, &kept))
			f->xref_dict = kept.u.stream->dict;
	}
}

/* Looks at what each object is. Only the last of a number counts, so this is a second pass. */
static void look_at_objects(struct pdf *pdf, struct found *f)
{
	struct arena arena = {0};

	for (uint32_t num = 1; num < pdf->nxref && budget_look(&pdf->budget); num++) {
		struct obj o;
		uint32_t found;

		if (xref_kind(pdf->xref[num]) != XREF_FILE)
			continue;
		if (pdf_read_head(pdf, xref_where(pdf->xref[num]), &arena, &found, &o))
			note_object(pdf, num, &o, f);
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

static bool read_trailer(struct pdf *pdf, uint64_t off)
{
	AUTO(stm_closep) struct stm *in = stm_new_file(pdf->src, off, UINT64_MAX, &pdf->budget);
	struct pdf_lex lx = {pdf, in, &pdf->trailer_arena, 0, 0};
	struct obj o;

	if (!in)
		return false;
	o = pdf_lex_object(&lx);
	if (o.type != OBJ_DICT || !pdf_raw(&o, "Root"))
		return false;
	pdf->trailer = o;
	return true;
}

static void make_trailer(struct pdf *pdf, uint32_t catalog)
{
	struct obj *items = arena_alloc(&pdf->trailer_arena, 2 * sizeof(*items));

	if (!items)
		return;
	items[0] = (struct obj){.type = OBJ_NAME, .len = 4, .u.s = "Root"};
	items[1] = (struct obj){.type = OBJ_REF, .u.num = catalog};
	pdf->trailer = (struct obj){.type = OBJ_DICT, .len = 1, .u.items = items};
}

static void choose_trailer(struct pdf *pdf, const struct found *f)
{
	uint32_t n = f->ntrailers < TRAILERS ? f->ntrailers : TRAILERS;

	for (uint32_t i = 1; i <= n; i++)
		if (read_trailer(pdf, f->trailers[(f->ntrailers - i) % TRAILERS]))
			return;
	if (f->xref_dict.type == OBJ_DICT)
		pdf->trailer = f->xref_dict;
	else if (f->catalog)
		make_trailer(pdf, f->catalog);
}

/* The objects inside object stream @num, unless the file has them outside too. */
static void index_objstm(struct pdf *pdf, uint32_t num)
{
	struct obj o = pdf_load(pdf, num), n = pdf_get(pdf, &o, "N");
	AUTO(stm_closep) struct stm *in = NULL;
	struct pdf_lex lx = {pdf, NULL, &pdf->arena, 0, 0};
	enum pdf_codec codec;

	in = lx.in = pdf_stream_open(pdf, &o, &codec, NULL);
	for (int64_t i = 0; in && i < pdf_int(&n, 0) && i < 1 << 24; i++) {
		struct obj inner = pdf_lex_object(&lx), off = pdf_lex_object(&lx);

		if (inner.type != OBJ_INT || off.type != OBJ_INT)
			return;
		if (inner.u.i <= 0 || inner.u.i > pdf->limits->objects)
			continue;
		if (inner.u.i < pdf->nxref && xref_kind(pdf->xref[inner.u.i]) == XREF_FILE)
			continue;
		pdf_xref_set(pdf, (uint32_t)inner.u.i,
			xref_make(XREF_OBJSTM, (uint64_t)num << 24 | (uint64_t)i));
	}
}

/* Objects that were loaded by the old table are not to be found again; those in use stay valid. */
static void forget_table(struct pdf *pdf)
{
	if (pdf->nxref)
		memset(pdf->xref, 0, pdf->nxref * sizeof(*pdf->xref));
	if (pdf->nslots)
		memset(pdf->slots, 0, pdf->nslots * sizeof(*pdf->slots));
	pdf->slots_used = 0;
	for (int i = 0; i < PDF_OBJSTMS; i++)
		pdf->objstms[i].num = 0;
	pdf->crypt.on = false;
}

static bool root_is_sound(struct pdf *pdf)
{
	struct obj root = pdf_get(pdf, &pdf->trailer, "Root");

	return pdf_raw(&root, "Pages") != NULL;
}

bool pdf_repair(struct pdf *pdf)
{
	struct found f = {.ntrailers = 0};
	int rc;

	if (pdf->repaired)
		return false;
	pdf->repaired = pdf->damaged = true;
	pdf->trailer = (struct obj){.type = OBJ_NULL};
	forget_table(pdf);
	scan_file(pdf, &f);
	f.objstms = calloc(OBJSTMS, sizeof(*f.objstms));
	look_at_objects(pdf, &f);
	choose_trailer(pdf, &f);
	rc = pdf_crypt_open(pdf);
	for (uint32_t i = 0; !rc && f.objstms && i < f.nobjstms; i++)
		index_objstm(pdf, f.objstms[i]);
	if (f.catalog && !root_is_sound(pdf))
		make_trailer(pdf, f.catalog);
	free(f.objstms);
	return pdf->trailer.type == OBJ_DICT;
}
