/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_text - whether shown text leaves a mark: blanks do not, and glyphs of Type 3 fonts are drawings. */
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { BLANKS_MAX = 64, CMAP_MAX = 1 << 20 };

enum glyph_bit { GLYPH_KNOWN = 1, GLYPH_PAINTS = 2, GLYPH_OWN = 4 };

struct font {
	uint32_t num;
	bool type3, two_octets, blanks_read;
	int nblanks;
	uint16_t blanks[BLANKS_MAX]; /* character codes of spaces */
	uint8_t *glyphs; /* Type 3: a glyph_bit set for each code, then a verdict for each */
};

static void font_free(struct font *f)
{
	if (!f)
		return;
	free(f->glyphs);
	free(f);
}

void fonts_fini(struct caches *c)
{
	for (uint32_t i = 0; i < c->font_room; i++)
		font_free(c->fonts[i]);
	free(c->fonts);
	c->fonts = NULL;
	c->font_room = c->nfonts = 0;
}

static bool is_unicode_blank(uint32_t u)
{
	return u == 0x20 || u == 0xa0 || (u >= 9 && u <= 13) || (u >= 0x2000 && u <= 0x200f) ||
	       u == 0x3000 || u == 0x202f || u == 0x205f || u == 0xfeff || u == 0xad;
}

static void add_blank(struct font *f, uint32_t code)
{
	if (f->nblanks < BLANKS_MAX && code <= 0xffff)
		f->blanks[f->nblanks++] = (uint16_t)code;
}

static uint32_t code_of(const struct obj *o)
{
	uint32_t v = 0;

	if (o->type != OBJ_STRING || o->len > 4)
		return UINT32_MAX;
	for (uint32_t i = 0; i < o->len; i++)
		v = v << 8 | (uint8_t)o->u.s[i];
	return v;
}

/* beginbfchar: pairs; beginbfrange: first, last, first target or an array. */
static void cmap_item(struct font *f, const struct obj *v, bool range)
{
	uint32_t first = code_of(&v[0]), last = range ? code_of(&v[1]) : first, to;

	if (first > 0xffff || last > 0xffff)
		return;
	for (uint32_t code = first; code <= last && code - first < 256; code++) {
		if (v[2].type == OBJ_ARRAY)
			to = code - first < v[2].len ? code_of(&v[2].u.items[code - first])
						     : UINT32_MAX;
		else
			to = code_of(&v[2]) + (code - first);
		if (is_unicode_blank(to))
			add_blank(f, code);
	}
}

static void read_cmap(struct run *r, struct font *f, const struct obj *cmap)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *in = pdf_stream_open(r->pdf, cmap, &codec, NULL);
	struct arena arena = {0};
	struct pdf_lex lx = {r->pdf, in, &arena, 0, 0};
	struct obj v[3];
	int n = 0, want = 0;

	while (in && codec == CODEC_NONE && in->made < CMAP_MAX) {
		struct obj o = pdf_lex_object(&lx);

		if (o.type == OBJ_END)
			break;
		if (o.type == OBJ_KEYWORD) {
			want = pdf_lex_is(&o, "beginbfchar")    ? 2
			       : pdf_lex_is(&o, "beginbfrange") ? 3
								: 0;
			n = 0;
			arena_reset(&arena);
		} else if (want) {
			v[want == 2 && n == 1 ? 2 : n] = o;
			if (++n < want)
				continue;
			cmap_item(f, v, want == 3);
			n = 0;
			arena_reset(&arena);
		}
	}
	arena_fini(&arena);
}

static void read_differences(struct run *r, struct font *f, const struct obj *encoding)
{
	struct obj diff = pdf_get(r->pdf, encoding, "Differences");
	int64_t code = 0;

	for (uint32_t i = 0; diff.type == OBJ_ARRAY && i < diff.len; i++) {
		struct obj o = pdf_at(r->pdf, &diff, i);

		if (o.type == OBJ_INT)
			code = o.u.i;
		else if (code >= 0 && code++ < 256 &&
			 (pdf_name_is(&o, "space") || pdf_name_is(&o, "nbspace") ||
				 pdf_name_is(&o, "uni00A0")))
			add_blank(f, (uint32_t)code - 1);
	}
}

static void read_blanks(struct run *r, struct font *f, const struct obj *dict)
{
	struct obj cmap = pdf_get(r->pdf, dict, "ToUnicode"),
		   encoding = pdf_get(r->pdf, dict, "Encoding");

	f->blanks_read = true;
	if (cmap.type == OBJ_STREAM)
		read_cmap(r, f, &cmap);
	if (!f->two_octets) {
		read_differences(r, f, &encoding);
		if (cmap.type != OBJ_STREAM)
			add_blank(f, 0x20);
	} else if (encoding.type == OBJ_NAME &&
		   (strstr(encoding.u.s, "UCS2") || strstr(encoding.u.s, "UTF16"))) {
		add_blank(f, 0x20);
		add_blank(f, 0xa0);
		add_blank(f, 0x3000);
	}
}

static bool grow_fonts(struct caches *c)
{
	uint32_t room = c->font_room ? 2 * c->font_room : 64;
	struct font **was = c->fonts;

	if (2 * c->nfonts < c->font_room)
		return true;
	c->fonts = calloc(room, sizeof(struct font *));
	if (!c->fonts) {
		c->fonts = was;
		return false;
	}
	for (uint32_t i = 0; i < c->font_room; i++) {
		uint32_t at;

		if (!was[i])
			continue;
		for (at = was[i]->num * 2654435761u; c->fonts[at & (room - 1)]; at++)
			;
		c->fonts[at & (room - 1)] = was[i];
	}
	c->font_room = room;
	free(was);
	return true;
}

/* The font that is set. Return: NULL if there is none; @dict receives it only when it was loaded now
 * or is Type 3, else an OBJ_NULL. One without an object number is the caller's to free. */
static struct font *font_of(struct run *r, struct obj *dict)
{
	const struct obj *o = &r->gs.font;
	struct caches *c = r->caches;
	struct obj subtype;
	struct font *f;
	uint32_t at;

	*dict = (struct obj){.type = OBJ_NULL};
	if (!grow_fonts(c))
		return NULL;
	for (at = o->u.num * 2654435761u; o->type == OBJ_REF && c->fonts[at & (c->font_room - 1)];
		at++)
		if (c->fonts[at & (c->font_room - 1)]->num == o->u.num)
			return c->fonts[at & (c->font_room - 1)];
	*dict = pdf_resolve(r->pdf, o);
	f = dict->type == OBJ_DICT ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		return NULL;
	subtype = pdf_get(r->pdf, dict, "Subtype");
	f->type3 = pdf_name_is(&subtype, "Type3");
	f->two_octets = pdf_name_is(&subtype, "Type0");
	if (o->type == OBJ_REF) {
		f->num = o->u.num;
		c->fonts[at & (c->font_room - 1)] = f;
		c->nfonts++;
	}
	return f;
}

static bool is_blank_code(const struct font *f, uint32_t code)
{
	for (int i = 0; i < f->nblanks; i++)
		if (f->blanks[i] == code)
			return true;
	return false;
}

/* Whether all that is shown is spaces. @thorough: read the font's maps for it. */
static bool all_blank(
	struct run *r, struct font *f, struct obj *dict, const struct content *c, bool thorough)
{
	size_t step = f && f->two_octets ? 2 : 1;

	if (c->str_more)
		return false;
	if (!thorough || !f) {
		for (size_t i = 0; i < c->nstr; i++)
			if (c->str[i] != ' ')
				return false;
		return step == 1 || !c->nstr;
	}
	if (!f->blanks_read) {
		*dict = dict->type == OBJ_NULL ? pdf_resolve(r->pdf, &r->gs.font) : *dict;
		read_blanks(r, f, dict);
	}
	for (size_t i = 0; i + step <= c->nstr; i += step)
		if (!is_blank_code(
			    f, step == 2 ? (uint32_t)c->str[i] << 8 | c->str[i + 1] : c->str[i]))
			return false;
	return true;
}

/* Where the text lies, as far as that is known without widths: a band along its line. */
static struct box text_box(const struct run *r, const struct content *c)
{
	double m[6], size = fabs(r->gs.font_size);
	struct box b = {-INFINITY, -INFINITY, INFINITY, INFINITY};

	matrix_multiply(m, r->text, r->gs.ctm);
	if (fabs(m[1]) > 1e-6 * fabs(m[0]) || fabs(m[2]) > 1e-6 * fabs(m[3]))
		return b;
	b.y0 = m[5] - 1.5 * size * fabs(m[3]);
	b.y1 = m[5] + 1.5 * size * fabs(m[3]);
	/* Where it runs to the left, or jumps, nothing is known of its ends. */
	if (m[0] > 0 && !r->text_moved && r->gs.font_size > 0 && !c->jumps) {
		b.x0 = m[4] - size * m[0];
		/* A glyph is seldom wider than its size; spacing may add to it. */
		if (!c->str_more)
			b.x1 = m[4] + 4 * size * m[0] * (double)(c->nstr + 1);
	}
	return b;
}

static struct obj glyph_proc(struct run *r, const struct obj *font, uint8_t code)
{
	struct obj encoding = pdf_get(r->pdf, font, "Encoding"),
		   procs = pdf_get(r->pdf, font, "CharProcs");
	struct obj diff = pdf_get(r->pdf, &encoding, "Differences"), name = {.type = OBJ_NULL};
	int64_t at = 0;

	for (uint32_t i = 0; diff.type == OBJ_ARRAY && i < diff.len; i++) {
		struct obj o = pdf_at(r->pdf, &diff, i);

		if (o.type == OBJ_INT)
			at = o.u.i;
		else if (o.type == OBJ_NAME && at++ == code)
			name = o;
	}
	return name.type == OBJ_NAME ? pdf_get(r->pdf, &procs, name.u.s) : name;
}

/* Draws one glyph apart, with black, to see whether it paints and with whose colour. */
static void learn_glyph(struct run *r, struct font *f, const struct obj *dict, uint8_t code)
{
	struct obj proc = glyph_proc(r, dict, code), res = pdf_get(r->pdf, dict, "Resources");
	struct verdict before = r->v;
	struct gstate gs = r->gs;
	bool uncoloured = r->uncoloured, eager = r->eager, glyph = r->glyph;
	struct probe *probe = r->probe;
	struct box ground = r->ground;

	f->glyphs[code] = GLYPH_KNOWN; /* before it is drawn: it may show itself */
	if (proc.type != OBJ_STREAM)
		return;
	r->v = (struct verdict){.colour = false};
	r->gs.clip = (struct box){-INFINITY, -INFINITY, INFINITY, INFINITY};
	gstate_reset(&r->gs);
	r->probe = NULL;
	ground_none(r);
	r->uncoloured = false;
	r->eager = r->glyph = true;
	run_stream(r, &proc, &res);
	if (r->v.marks)
		f->glyphs[code] |= GLYPH_PAINTS;
	if (!r->uncoloured)
		f->glyphs[code] |= GLYPH_OWN;
	f->glyphs[256 + code] = verdict_bits(&r->v);
	r->v = before;
	r->gs = gs;
	r->uncoloured = uncoloured;
	r->eager = eager;
	r->glyph = glyph;
	r->probe = probe;
	r->ground = ground;
}

static void show_type3(struct run *r, struct font *f, const struct content *c)
{
	struct obj dict = pdf_resolve(r->pdf, &r->gs.font);
	struct box where = text_box(r, c);

	if (!f->glyphs)
		f->glyphs = calloc(512, 1);
	for (size_t i = 0; f->glyphs && i < c->nstr && !r->v.colour; i++) {
		uint8_t code = c->str[i];

		if (!f->glyphs[code])
			learn_glyph(r, f, &dict, code);
		if ((f->glyphs[code] & GLYPH_OWN) && !r->probe && in_sight(&r->gs, where) &&
			!((f->glyphs[256 + code] & VERDICT_COLOUR) && mark_hidden(r, 255, where)))
			verdict_add(r, f->glyphs[256 + code]);
		if (r->v.colour)
			cover_defer(r, where);
		/* Even a glyph that may set its own colour begins with this one. */
		if (f->glyphs[code] & GLYPH_PAINTS)
			paint_mark(r, &r->gs.fill, r->gs.fill_alpha, where);
	}
}

/* What is shown in such a mode is where the clip will be. */
static void text_clip(struct run *r, const struct content *c, bool marks)
{
	struct box *to = &r->clip_text, b = text_box(r, c);

	r->text_clips = true;
	if (!marks)
		return;
	if (to->x1 < to->x0) {
		*to = b;
		return;
	}
	*to = (struct box){
		fmin(to->x0, b.x0), fmin(to->y0, b.y0), fmax(to->x1, b.x1), fmax(to->y1, b.y1)};
}

void text_show(struct run *r, struct content *c)
{
	struct gstate *gs = &r->gs;
	bool fills = gs->text_mode == 0 || gs->text_mode == 2 || gs->text_mode == 4 ||
		     gs->text_mode == 6;
	bool strokes = gs->text_mode == 1 || gs->text_mode == 2 || gs->text_mode == 5 ||
		       gs->text_mode == 6;
	bool coloured = (fills && (gs->fill.chroma || gs->fill.pattern.type != OBJ_NULL)) ||
			(strokes && (gs->stroke.chroma || gs->stroke.pattern.type != OBJ_NULL));
	struct obj dict;
	struct font *f;

	if (!c->nstr || gs->font_size == 0 || gs->squeezed)
		return;
	f = font_of(r, &dict);
	r->in_text = true;
	if (gs->text_mode >= 4 && !(f && f->type3))
		text_clip(r, c, !all_blank(r, f, &dict, c, true));
	if (f && f->type3 && gs->text_mode != 3) {
		show_type3(r, f, c);
	} else if ((fills || strokes) && !all_blank(r, f, &dict, c, coloured)) {
		struct box where = text_box(r, c);

		if (fills)
			paint_mark(r, &gs->fill, gs->fill_alpha, where);
		if (strokes && !r->v.colour)
			paint_mark(r, &gs->stroke, gs->stroke_alpha, where);
	}
	r->in_text = false;
	r->text_moved = true;
	if (f && !f->num)
		font_free(f);
}
