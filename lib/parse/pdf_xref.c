/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_xref - where the objects are: tables, streams, hybrids, updates (ISO 32000-2 7.5), and loading them. */
#include "parse/pdf.h"
#include "parse/pdf_chars.h"
#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	TAIL = 2048, /* startxref is looked for in the last octets; readers differ on how many */
	SECTIONS = 1024, /* updates of one file */
	LOAD_DEPTH = 24,
	FORGET_AT = 6 << 20,
	OBJSTM_MAX = 64 << 20,
	OBJSTM_KEEP = 12 << 20,
};

bool pdf_xref_set(struct pdf *pdf, uint32_t num, uint64_t entry)
{
	if (num > pdf->limits->objects) {
		pdf->budget.spent = true;
		return false;
	}
	if (num >= pdf->nxref) {
		uint32_t room = num + 1 > 2 * pdf->nxref ? num + 1 : 2 * pdf->nxref;
		uint64_t *more = realloc(pdf->xref, room * sizeof(*more));

		if (!more)
			return false;
		memset(more + pdf->nxref, 0, (room - pdf->nxref) * sizeof(*more));
		pdf->xref = more;
		pdf->nxref = room;
	}
	pdf->xref[num] = entry;
	return true;
}

/* Sections are read newest first: what is set stays. */
static void set_if_new(struct pdf *pdf, uint64_t num, uint64_t entry)
{
	if (num < pdf->nxref ? xref_kind(pdf->xref[num]) == XREF_UNSET
			     : num <= pdf->limits->objects)
		pdf_xref_set(pdf, (uint32_t)num, entry);
}

static void adopt_trailer(struct pdf *pdf, const struct obj *dict)
{
	if (pdf->trailer.type != OBJ_DICT)
		pdf->trailer = *dict;
}

/* One line of a table. They should have 20 octets; some writers give 19 or 21, so they are lexed. */
static bool table_entry(struct pdf_lex *lx, uint64_t num)
{
	struct obj off = pdf_lex_object(lx), gen = pdf_lex_object(lx), kind = pdf_lex_object(lx);

	if (off.type != OBJ_INT || gen.type != OBJ_INT || kind.type != OBJ_KEYWORD)
		return false;
	if (pdf_lex_is(&kind, "n") && off.u.i > 0)
		set_if_new(lx->pdf, num, xref_make(XREF_FILE, (uint64_t)off.u.i + lx->pdf->base));
	else if (pdf_lex_is(&kind, "f") || pdf_lex_is(&kind, "n"))
		set_if_new(lx->pdf, num, xref_make(XREF_FREE, 0));
	else
		return false;
	return true;
}

/* Return: the trailer after the table, or something that is no dictionary. */
static struct obj read_table(struct pdf_lex *lx)
{
	for (;;) {
		struct obj first = pdf_lex_object(lx), n;

		if (pdf_lex_is(&first, "trailer"))
			return pdf_lex_object(lx);
		n = pdf_lex_object(lx);
		if (first.type != OBJ_INT || n.type != OBJ_INT || first.u.i < 0 || n.u.i < 0)
			return first;
		for (int64_t i = 0; i < n.u.i; i++)
			if (!table_entry(lx, (uint64_t)first.u.i + (uint64_t)i) ||
				!budget_look(&lx->pdf->budget))
				return n;
	}
}

static uint64_t field(const uint8_t **p, int width, uint64_t otherwise)
{
	uint64_t v = 0;

	if (!width)
		return otherwise;
	for (int i = 0; i < width; i++)
		v = v << 8 | *(*p)++;
	return v;
}

static void stream_entry(struct pdf *pdf, uint64_t num, const uint8_t *p, const int w[3])
{
	uint64_t kind = field(&p, w[0], 1), a = field(&p, w[1], 0), b = field(&p, w[2], 0);

	if (kind == 1)
		set_if_new(pdf, num, xref_make(XREF_FILE, a + pdf->base));
	else if (kind == 2 && a <= pdf->limits->objects && b < 1 << 24)
		set_if_new(pdf, num, xref_make(XREF_OBJSTM, a << 24 | b));
	else if (kind == 0)
		set_if_new(pdf, num, xref_make(XREF_FREE, 0));
}

static void stream_section(
	struct pdf *pdf, struct stm *in, const int w[3], int64_t first, int64_t n)
{
	size_t row = (size_t)(w[0] + w[1] + w[2]);
	uint8_t buf[32];

	for (int64_t i = 0; i < n; i++) {
		if (stm_read(in, buf, row) != row)
			return;
		stream_entry(pdf, (uint64_t)(first + i), buf, w);
	}
}

static bool read_stream(struct pdf *pdf, const struct obj *o)
{
	AUTO(stm_closep) struct stm *in = NULL;
	struct obj widths = pdf_get(pdf, o, "W"), index = pdf_get(pdf, o, "Index");
	struct obj size = pdf_get(pdf, o, "Size");
	enum pdf_codec codec;
	int w[3];

	for (uint32_t i = 0; i < 3; i++) {
		struct obj v = pdf_at(pdf, &widths, i);

		if (v.type != OBJ_INT || v.u.i < 0 || v.u.i > 8)
			return false;
		w[i] = (int)v.u.i;
	}
	if (w[0] + w[1] + w[2] == 0)
		return false;
	in = pdf_stream_open(pdf, o, &codec, NULL);
	if (!in || codec != CODEC_NONE)
		return false;
	if (index.type != OBJ_ARRAY) {
		stream_section(pdf, in, w, 0, pdf_int(&size, 0));
		return true;
	}
	for (uint32_t i = 0; i + 1 < index.len; i += 2) {
		struct obj first = pdf_at(pdf, &index, i), n = pdf_at(pdf, &index, i + 1);

		if (first.type != OBJ_INT || n.type != OBJ_INT || first.u.i < 0 ||
			first.u.i > UINT32_MAX)
			return false;
		stream_section(pdf, in, w, first.u.i, n.u.i);
	}
	return true;
}

bool pdf_read_head(struct pdf *pdf, uint64_t off, struct arena *to, uint32_t *num, struct obj *out)
{
	AUTO(stm_closep) struct stm *in = stm_new_file(pdf->src, off, UINT64_MAX, &pdf->budget);
	struct pdf_lex lx = {pdf, in, to, 0, 0};
	struct pdf_stream *stream;
	struct obj n, gen, word;
	int c;

	if (!in)
		return false;
	n = pdf_lex_object(&lx);
	gen = pdf_lex_object(&lx);
	word = pdf_lex_object(&lx);
	if (n.type != OBJ_INT || gen.type != OBJ_INT || !pdf_lex_is(&word, "obj") || n.u.i <= 0 ||
		n.u.i > UINT32_MAX)
		return false;
	*num = lx.num = (uint32_t)n.u.i;
	lx.gen = (uint32_t)gen.u.i;
	if (pdf->crypt.on && *num == pdf->crypt.self)
		lx.num = 0;
	*out = pdf_lex_object(&lx);
	if (out->type == OBJ_KEYWORD || out->type == OBJ_END)
		*out = (struct obj){.type = OBJ_NULL};
	word = pdf_lex_object(&lx);
	if (out->type == OBJ_INT && word.type == OBJ_INT) { /* "1 0 obj 2 0 R endobj" */
		word = pdf_lex_object(&lx);
		if (pdf_lex_is(&word, "R") && out->u.i > 0 && out->u.i <= UINT32_MAX)
			*out = (struct obj){.type = OBJ_REF, .u.num = (uint32_t)out->u.i};
	}
	if (!pdf_lex_is(&word, "stream") || out->type != OBJ_DICT)
		return true;
	while ((c = stm_peek(in)) == ' ' || c == '\t') /* not allowed, yet seen */
		in->p++;
	if (c == '\r')
		in->p++;
	if (stm_peek(in) == '\n')
		in->p++;
	stream = arena_alloc(to, sizeof(*stream));
	if (!stream)
		return false;
	*stream = (struct pdf_stream){*out, stm_file_tell(in), *num, lx.gen};
	*out = (struct obj){.type = OBJ_STREAM, .u.stream = stream};
	return true;
}

static uint64_t offset_of(const struct obj *dict, const char *key)
{
	const struct obj *o = pdf_raw(dict, key);

	return o ? (uint64_t)pdf_int(o, 0) : 0;
}

/* A section that is an xref stream. Return: whether it was one. */
static bool read_stream_section(struct pdf *pdf, uint64_t off, struct obj *dict)
{
	struct obj o;
	uint32_t num;

	if (!pdf_read_head(pdf, off, &pdf->trailer_arena, &num, &o) || o.type != OBJ_STREAM)
		return false;
	*dict = o.u.stream->dict;
	adopt_trailer(pdf, dict);
	return read_stream(pdf, &o);
}

static bool read_section(struct pdf *pdf, uint64_t off, uint64_t *prev)
{
	AUTO(stm_closep) struct stm *in = stm_new_file(pdf->src, off, UINT64_MAX, &pdf->budget);
	struct pdf_lex lx = {pdf, in, &pdf->trailer_arena, 0, 0};
	struct obj word, dict;
	uint64_t hybrid;

	if (!in)
		return false;
	word = pdf_lex_object(&lx);
	if (!pdf_lex_is(&word, "xref")) {
		if (word.type != OBJ_INT || !read_stream_section(pdf, off, &dict))
			return false;
		*prev = offset_of(&dict, "Prev");
		return true;
	}
	dict = read_table(&lx);
	if (dict.type != OBJ_DICT)
		return false;
	*prev = offset_of(&dict, "Prev");
	hybrid = offset_of(&dict, "XRefStm");
	adopt_trailer(pdf, &dict);
	if (hybrid)
		read_stream_section(pdf, hybrid + pdf->base, &word);
	return true;
}

static bool read_all_sections(struct pdf *pdf, uint64_t off)
{
	uint64_t seen[SECTIONS];

	for (int n = 0; n < SECTIONS; n++) {
		uint64_t prev = 0;

		for (int i = 0; i < n; i++)
			if (seen[i] == off)
				return true;
		seen[n] = off;
		if (off + pdf->base >= src_size(pdf->src) ||
			!read_section(pdf, off + pdf->base, &prev))
			return false;
		if (!prev)
			return true;
		off = prev;
	}
	return true;
}

static uint64_t find_base(struct pdf *pdf)
{
	uint8_t buf[1024 + 8];
	size_t n = src_read(pdf->src, 0, buf, sizeof(buf));
	uint8_t *hit = memmem(buf, n, "%PDF-", 5);

	return hit ? (uint64_t)(hit - buf) : 0;
}

/* Return: the offset that stands after the last startxref, 0 if there is none. */
static uint64_t find_start(struct pdf *pdf)
{
	uint8_t buf[TAIL + 1];
	uint64_t size = src_size(pdf->src), at = size > TAIL ? size - TAIL : 0, v = 0;
	size_t n = src_read(pdf->src, at, buf, TAIL);
	uint8_t *hit = NULL, *p = buf;

	buf[n] = '\0';
	while ((p = memmem(p, n - (size_t)(p - buf), "startxref", 9)) != NULL)
		hit = p++;
	if (!hit)
		return 0;
	for (hit += 9; hit < buf + n && pdf_is_space(*hit); hit++)
		;
	for (; *hit >= '0' && *hit <= '9' && v < 1ull << 50; hit++)
		v = v * 10 + (uint64_t)(*hit - '0');
	return v;
}

static bool has_root(struct pdf *pdf)
{
	struct obj root = pdf_get(pdf, &pdf->trailer, "Root"), pages = pdf_get(pdf, &root, "Pages");

	return root.type == OBJ_DICT && pages.type == OBJ_DICT;
}

static void set_budget(struct pdf *pdf)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	pdf->budget.job_left = pdf->limits->job_octets;
	pdf->budget.stream_octets = pdf->limits->stream_octets;
	/* In a child the clock begins at 0; a fifth is kept back for the answer. */
	pdf->budget.deadline_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec +
				  pdf->limits->cpu_s * 800000000ull;
}

int pdf_open(struct pdf *pdf, struct src *src, const struct parse_limits *limits)
{
	uint64_t start;
	int rc;

	*pdf = (struct pdf){.src = src, .limits = limits};
	set_budget(pdf);
	pdf->base = find_base(pdf);
	start = find_start(pdf);
	if (!start || !read_all_sections(pdf, start) || pdf->trailer.type != OBJ_DICT)
		pdf_repair(pdf);
	rc = pdf_crypt_open(pdf);
	if (!rc && !has_root(pdf) && !pdf->repaired && pdf_repair(pdf))
		rc = pdf_crypt_open(pdf);
	return rc;
}

static void drop_objstm(struct pdf_cached_stream *c)
{
	free(c->data);
	free(c->index);
	*c = (struct pdf_cached_stream){.num = 0};
}

void pdf_close(struct pdf *pdf)
{
	for (int i = 0; i < PDF_OBJSTMS; i++)
		drop_objstm(&pdf->objstms[i]);
	arena_fini(&pdf->arena);
	arena_fini(&pdf->trailer_arena);
	free(pdf->xref);
	free(pdf->stack);
	free(pdf->slots);
}

static struct obj_slot *slot_for(struct pdf *pdf, uint32_t num)
{
	uint32_t i = num * 2654435761u;

	for (;; i++) {
		struct obj_slot *slot = &pdf->slots[i & (pdf->nslots - 1)];

		if (!slot->num || slot->num == num)
			return slot;
	}
}

static bool grow_slots(struct pdf *pdf)
{
	uint32_t old = pdf->nslots;
	struct obj_slot *was = pdf->slots;

	if (pdf->slots_used * 2 < old)
		return true;
	pdf->slots = calloc(old ? 2 * (size_t)old : 1024, sizeof(*was));
	if (!pdf->slots) {
		pdf->slots = was;
		return false;
	}
	pdf->nslots = old ? 2 * old : 1024;
	for (uint32_t i = 0; i < old; i++)
		if (was[i].num)
			*slot_for(pdf, was[i].num) = was[i];
	free(was);
	return true;
}

static uint32_t objstm_number(struct stm *in)
{
	uint32_t v = 0;
	int c = stm_get(in);

	while (c >= 0 && pdf_is_space(c))
		c = stm_get(in);
	for (; c >= '0' && c <= '9' && v < 400000000; c = stm_get(in))
		v = v * 10 + (uint32_t)(c - '0');
	return v;
}

static bool read_index(struct pdf *pdf, struct pdf_cached_stream *c)
{
	AUTO(stm_closep) struct stm *in = stm_new_mem(c->data, c->first, &pdf->budget);

	c->index = calloc((size_t)c->n + 1, 2 * sizeof(*c->index));
	if (!c->index || !in)
		return false;
	for (uint32_t i = 0; i < 2 * c->n; i++)
		c->index[i] = objstm_number(in);
	return true;
}

/* Reading one may need another (a Length inside), which may take the same place: so @c is filled last. */
static bool fill_objstm(struct pdf *pdf, struct pdf_cached_stream *c, uint32_t num)
{
	struct obj o = pdf_load(pdf, num), n = pdf_get(pdf, &o, "N"),
		   first = pdf_get(pdf, &o, "First");
	struct pdf_cached_stream fresh = {.num = num};
	uint64_t most;

	if (o.type != OBJ_STREAM || pdf_int(&n, -1) < 0 || pdf_int(&first, -1) < 0)
		return false;
	fresh.data = pdf_slurp(pdf, &o, OBJSTM_MAX, &fresh.len);
	fresh.first = (size_t)pdf_int(&first, 0);
	/* Each pair takes four octets at least, the last one three: N is not believed beyond that. */
	most = fresh.first / 4 + 1;
	fresh.n = (uint64_t)pdf_int(&n, 0) > most ? (uint32_t)most : (uint32_t)pdf_int(&n, 0);
	if (!fresh.data || fresh.first > fresh.len || !read_index(pdf, &fresh)) {
		drop_objstm(&fresh);
		return false;
	}
	drop_objstm(c);
	*c = fresh;
	return true;
}

static struct pdf_cached_stream *objstm(struct pdf *pdf, uint32_t num)
{
	struct pdf_cached_stream *c = &pdf->objstms[0];
	size_t total = 0;

	for (int i = 0; i < PDF_OBJSTMS; i++) {
		struct pdf_cached_stream *s = &pdf->objstms[i];

		if (s->num == num) {
			s->used = ++pdf->clock;
			return s;
		}
		total += s->len;
		if (s->used < c->used)
			c = s;
	}
	for (int i = 0; total > OBJSTM_KEEP && i < PDF_OBJSTMS; i++)
		drop_objstm(&pdf->objstms[i]);
	if (num >= pdf->nxref || xref_kind(pdf->xref[num]) != XREF_FILE ||
		!fill_objstm(pdf, c, num))
		return NULL;
	c->used = ++pdf->clock;
	return c;
}

static struct obj load_compressed(struct pdf *pdf, uint32_t num, uint64_t where)
{
	struct pdf_cached_stream *c = objstm(pdf, (uint32_t)(where >> 24));
	AUTO(stm_closep) struct stm *in = NULL;
	uint32_t i = where & 0xffffff;
	struct pdf_lex lx = {pdf, NULL, &pdf->arena, 0, 0};
	struct obj o = {.type = OBJ_NULL};

	if (!c)
		return o;
	if (i >= c->n || c->index[2 * i] != num) /* the index may lie; the number does not */
		for (i = 0; i < c->n && c->index[2 * i] != num; i++)
			;
	if (i >= c->n || c->first + c->index[2 * i + 1] >= c->len)
		return o;
	in = lx.in = stm_new_mem(c->data + c->first + c->index[2 * i + 1],
		c->len - c->first - c->index[2 * i + 1], &pdf->budget);
	if (in)
		o = pdf_lex_object(&lx);
	return o.type >= OBJ_KEYWORD ? (struct obj){.type = OBJ_NULL} : o;
}

static struct obj load(struct pdf *pdf, uint32_t num)
{
	struct obj o = {.type = OBJ_NULL};
	uint64_t e = num < pdf->nxref ? pdf->xref[num] : 0;
	uint32_t found;

	if (xref_kind(e) == XREF_OBJSTM)
		return load_compressed(pdf, num, xref_where(e));
	if (xref_kind(e) != XREF_FILE)
		return o;
	if (pdf_read_head(pdf, xref_where(e), &pdf->arena, &found, &o) && found == num)
		return o;
	/* The table lies. Whoever repairs has other offsets, so one more look is worth it. */
	if (!pdf->repaired && pdf_repair(pdf) && num < pdf->nxref && pdf->xref[num] != e)
		return load(pdf, num);
	return (struct obj){.type = OBJ_NULL};
}

struct obj pdf_load(struct pdf *pdf, uint32_t num)
{
	struct obj_slot *slot;
	struct obj o = {.type = OBJ_NULL};

	if (!num || num >= pdf->nxref || pdf->depth >= LOAD_DEPTH || !grow_slots(pdf))
		return o;
	slot = slot_for(pdf, num);
	if (slot->num)
		return slot->busy ? o : slot->o;
	if (pdf->budget.out_of_time)
		return o;
	*slot = (struct obj_slot){.num = num, .busy = true};
	pdf->slots_used++;
	pdf->depth++;
	o = load(pdf, num);
	pdf->depth--;
	slot = slot_for(pdf, num); /* the table may have grown, or been emptied by a repair */
	if (!slot->num)
		pdf->slots_used++;
	*slot = (struct obj_slot){.num = num, .o = o};
	return o;
}

bool pdf_forget(struct pdf *pdf)
{
	if (pdf->keep || pdf->arena.total < 2 * pdf->floor + FORGET_AT)
		return false;
	arena_reset(&pdf->arena);
	memset(pdf->slots, 0, pdf->nslots * sizeof(*pdf->slots));
	pdf->slots_used = 0;
	return true;
}
