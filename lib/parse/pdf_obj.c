/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_obj - read objects and look into them: ISO 32000-2 7.2, 7.3. */
#include "parse/pdf.h"
#include "parse/pdf_chars.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { NAME_LIMIT = 1 << 16, STACK_LIMIT = 4 << 20 };

static const struct obj null_obj = {.type = OBJ_NULL};

/* A growing run of octets at the end of an arena would need realloc(); this one doubles. */
struct text {
	struct arena *arena;
	char *p;
	size_t len, room;
	char start[256];
};

static bool text_add(struct text *t, int c)
{
	if (t->len + 1 >= t->room) {
		char *more = arena_alloc(t->arena, 2 * t->room);

		if (!more)
			return false;
		memcpy(more, t->p, t->len);
		t->p = more;
		t->room *= 2;
	}
	t->p[t->len++] = (char)c;
	return true;
}

static void text_init(struct text *t, struct arena *arena)
{
	t->arena = arena;
	t->p = t->start;
	t->len = 0;
	t->room = sizeof(t->start);
}

static struct obj text_obj(struct text *t, enum obj_type type)
{
	char *p = t->p;

	if (p == t->start) {
		p = arena_alloc(t->arena, t->len + 1);
		if (!p)
			return null_obj;
		memcpy(p, t->start, t->len);
	}
	p[t->len] = '\0';
	return (struct obj){.type = (uint8_t)type, .len = (uint32_t)t->len, .u.s = p};
}

static int skip_blanks(struct stm *in)
{
	for (;;) {
		int c = stm_get(in);

		if (c == '%')
			while (c >= 0 && c != '\n' && c != '\r')
				c = stm_get(in);
		if (c < 0 || !pdf_is_space(c))
			return c;
	}
}

static struct obj lex_name(struct pdf_lex *lx)
{
	struct text t;
	int c;

	text_init(&t, lx->arena);
	while ((c = stm_peek(lx->in)) >= 0 && pdf_is_regular(c)) {
		lx->in->p++;
		if (c == '#' && pdf_hex(stm_peek(lx->in)) >= 0) {
			int hi = stm_get(lx->in), lo = stm_peek(lx->in);

			if (pdf_hex(lo) < 0) {
				text_add(&t, '#');
				c = hi;
			} else {
				lx->in->p++;
				c = pdf_hex(hi) << 4 | pdf_hex(lo);
			}
		}
		if (t.len < NAME_LIMIT)
			text_add(&t, c);
	}
	return text_obj(&t, OBJ_NAME);
}

static int lex_octal(struct stm *in, int c)
{
	int v = c - '0';

	for (int i = 0; i < 2; i++) {
		int d = stm_peek(in);

		if (d < '0' || d > '7')
			break;
		in->p++;
		v = v * 8 + d - '0';
	}
	return v & 0xff;
}

/* What follows a backslash. Return: the octet, or -1 for none (a line that goes on). */
static int lex_escape(struct stm *in)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	int c = stm_get(in);
	const char *hit = c > 0 ? strchr(from, c) : NULL;

	if (hit)
		return to[hit - from];
	if (c >= '0' && c <= '7')
		return lex_octal(in, c);
	if (c == '\r' && stm_peek(in) == '\n')
		in->p++;
	return c == '\r' || c == '\n' ? -1 : c;
}

static struct obj end_string(struct pdf_lex *lx, struct text *t)
{
	if (lx->num && lx->pdf->crypt.on)
		t->len = pdf_crypt_string(lx->pdf, lx->num, lx->gen, (uint8_t *)t->p, t->len);
	return text_obj(t, OBJ_STRING);
}

static struct obj lex_string(struct pdf_lex *lx)
{
	struct text t;
	int c, open = 1;

	text_init(&t, lx->arena);
	while ((c = stm_get(lx->in)) >= 0) {
		if (c == '(')
			open++;
		else if (c == ')' && !--open)
			break;
		else if (c == '\\' && (c = lex_escape(lx->in)) < 0)
			continue;
		if (!text_add(&t, c))
			break;
	}
	return end_string(lx, &t);
}

static struct obj lex_hex(struct pdf_lex *lx)
{
	struct text t;
	int c, hi = -1;

	text_init(&t, lx->arena);
	while ((c = stm_get(lx->in)) >= 0 && c != '>') {
		int v = pdf_hex(c);

		if (v < 0)
			continue;
		if (hi < 0) {
			hi = v;
			continue;
		}
		if (!text_add(&t, hi << 4 | v))
			break;
		hi = -1;
	}
	if (hi >= 0)
		text_add(&t, hi << 4);
	return end_string(lx, &t);
}

/* Numbers as files have them, not as the standard wants them: "--5", "1.2-3", "4." and "." occur. */
static struct obj lex_number(struct stm *in, int c)
{
	bool minus = false, real = false;
	int64_t whole = 0;
	double value = 0, scale = 1;

	for (; c >= 0; in->p++, c = stm_peek(in)) {
		if (c >= '0' && c <= '9') {
			if (real) {
				scale /= 10;
				value += (c - '0') * scale;
			} else if (whole < INT64_MAX / 10 - 1) {
				whole = whole * 10 + (c - '0');
			}
		} else if (c == '.' && !real) {
			real = true;
		} else if (c == '-' && !whole && !real) {
			minus = true;
		} else if (c != '+' && c != '-') {
			break;
		}
	}
	if (!real)
		return (struct obj){.type = OBJ_INT, .u.i = minus ? -whole : whole};
	value += (double)whole;
	return (struct obj){.type = OBJ_REAL, .u.r = minus ? -value : value};
}

static struct obj keyword(const char *s)
{
	return (struct obj){.type = OBJ_KEYWORD, .len = (uint32_t)strlen(s), .u.s = s};
}

static struct obj lex_word(struct pdf_lex *lx, int c)
{
	static const char *const letters[] = {"R", "n", "f", NULL};
	struct text t;
	struct obj o;

	text_init(&t, lx->arena);
	do {
		if (t.len < NAME_LIMIT)
			text_add(&t, c);
		lx->in->p++;
		c = stm_peek(lx->in);
	} while (c >= 0 && pdf_is_regular(c));
	if (t.len == 1) /* by far the most frequent: they cost no memory */
		for (const char *const *w = letters; *w; w++)
			if (*t.p == **w)
				return keyword(*w);
	o = text_obj(&t, OBJ_KEYWORD);
	if (pdf_lex_is(&o, "true") || pdf_lex_is(&o, "false"))
		return (struct obj){.type = OBJ_BOOL, .u.b = o.u.s[0] == 't'};
	return pdf_lex_is(&o, "null") ? null_obj : o;
}

bool pdf_lex_is(const struct obj *o, const char *keyword)
{
	return o->type == OBJ_KEYWORD && !strcmp(o->u.s, keyword);
}

static bool push(struct pdf *pdf, const struct obj *o)
{
	if (pdf->nstack == pdf->stack_room) {
		size_t room = pdf->stack_room ? 2 * pdf->stack_room : 256;
		struct obj *more =
			room > STACK_LIMIT ? NULL : realloc(pdf->stack, room * sizeof(*more));

		if (!more)
			return false;
		pdf->stack = more;
		pdf->stack_room = room;
	}
	pdf->stack[pdf->nstack++] = *o;
	return true;
}

/* "12 0 R" is seen when its R is: the two numbers before become one reference. */
static void reduce_ref(struct pdf *pdf, size_t bottom)
{
	struct obj *num, *gen;

	if (pdf->nstack < bottom + 2)
		return;
	num = &pdf->stack[pdf->nstack - 2];
	gen = num + 1;
	if (num->type != OBJ_INT || gen->type != OBJ_INT)
		return;
	pdf->nstack--;
	if (num->u.i > 0 && num->u.i <= UINT32_MAX)
		*num = (struct obj){
			.type = OBJ_REF, .len = (uint32_t)gen->u.i, .u.num = (uint32_t)num->u.i};
	else
		*num = null_obj;
}

static struct obj take(struct pdf *pdf, struct arena *arena, size_t bottom)
{
	size_t n = pdf->nstack - bottom;
	struct obj *items = arena_alloc(arena, (n ? n : 1) * sizeof(*items));
	struct obj o = {.type = OBJ_ARRAY, .len = items ? (uint32_t)n : 0, .u.items = items};

	if (items && n)
		memcpy(items, pdf->stack + bottom, n * sizeof(*items));
	pdf->nstack = bottom;
	return o;
}

/* Pairs up what stood between << and >>. A value that is missing or a key that is no name shifts
 * the rest, so the keys are what is searched for. */
static struct obj take_dict(struct pdf *pdf, struct arena *arena, size_t bottom)
{
	struct obj *v = pdf->stack;
	size_t n = pdf->nstack, to = bottom, i = bottom;
	struct obj o;

	while (i < n) {
		if (v[i].type != OBJ_NAME) {
			i++;
			continue;
		}
		v[to++] = v[i++];
		if (i < n)
			v[to++] = v[i++];
		else
			v[to - 1] = null_obj, to--;
	}
	pdf->nstack = to;
	o = take(pdf, arena, bottom);
	o.type = OBJ_DICT;
	o.len /= 2;
	return o;
}

static struct obj lex_at(struct pdf_lex *lx, int depth);

static struct obj lex_composite(struct pdf_lex *lx, int depth, bool dict)
{
	size_t bottom = lx->pdf->nstack;

	for (;;) {
		struct obj o = lex_at(lx, depth + 1);

		if (o.type == OBJ_END || pdf_lex_is(&o, dict ? ">>" : "]"))
			break;
		if (pdf_lex_is(&o, "R")) {
			reduce_ref(lx->pdf, bottom);
			continue;
		}
		/* A composite that was never closed ends with its object. */
		if (pdf_lex_is(&o, "endobj") || pdf_lex_is(&o, "endstream"))
			break;
		if (o.type == OBJ_KEYWORD)
			o = null_obj;
		if (!push(lx->pdf, &o))
			break;
	}
	return dict ? take_dict(lx->pdf, lx->arena, bottom) : take(lx->pdf, lx->arena, bottom);
}

static const struct obj end_obj = {.type = OBJ_END};

static struct obj lex_at(struct pdf_lex *lx, int depth)
{
	int c = skip_blanks(lx->in);

	if (c < 0 || depth > OBJ_DEPTH)
		return end_obj;
	switch (c) {
	case '/':
		return lex_name(lx);
	case '(':
		return lex_string(lx);
	case '[':
		return lex_composite(lx, depth, false);
	case ']':
		return keyword("]");
	case '<':
		if (stm_peek(lx->in) != '<')
			return lex_hex(lx);
		lx->in->p++;
		return lex_composite(lx, depth, true);
	case '>':
		if (stm_peek(lx->in) == '>')
			lx->in->p++;
		return keyword(">>");
	case '{':
	case '}':
	case ')':
		return keyword(c == '{' ? "{" : c == '}' ? "}" : ")");
	}
	lx->in->p--; /* the octet just read is still there: stm_get() gave it from this chunk */
	if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
		return lex_number(lx->in, c);
	return lex_word(lx, c);
}

struct obj pdf_lex_object(struct pdf_lex *lx)
{
	return lex_at(lx, 0);
}

const struct obj *pdf_raw(const struct obj *dict, const char *key)
{
	size_t len = strlen(key);

	if (dict->type == OBJ_STREAM)
		dict = &dict->u.stream->dict;
	if (dict->type != OBJ_DICT)
		return NULL;
	/* Of a key that stands twice the last one counts, as renderers have it. */
	for (uint32_t i = dict->len; i-- > 0;) {
		const struct obj *k = &dict->u.items[2 * i];

		if (k->len == len && !memcmp(k->u.s, key, len))
			return k + 1;
	}
	return NULL;
}

struct obj pdf_resolve(struct pdf *pdf, const struct obj *o)
{
	struct obj v = o ? *o : null_obj;

	for (int i = 0; i < 16 && v.type == OBJ_REF; i++)
		v = pdf_load(pdf, v.u.num);
	return v.type == OBJ_REF ? null_obj : v;
}

struct obj pdf_get(struct pdf *pdf, const struct obj *dict, const char *key)
{
	return pdf_resolve(pdf, pdf_raw(dict, key));
}

struct obj pdf_get2(
	struct pdf *pdf, const struct obj *dict, const char *key, const char *abbreviation)
{
	struct obj o = pdf_get(pdf, dict, key);

	return o.type == OBJ_NULL ? pdf_get(pdf, dict, abbreviation) : o;
}

struct obj pdf_at(struct pdf *pdf, const struct obj *array, uint32_t i)
{
	if (array->type != OBJ_ARRAY || i >= array->len)
		return null_obj;
	return pdf_resolve(pdf, &array->u.items[i]);
}

bool pdf_name_is(const struct obj *o, const char *name)
{
	return o->type == OBJ_NAME && !strcmp(o->u.s, name);
}

double pdf_number(const struct obj *o, double otherwise)
{
	return o->type == OBJ_INT ? (double)o->u.i : o->type == OBJ_REAL ? o->u.r : otherwise;
}

int64_t pdf_int(const struct obj *o, int64_t otherwise)
{
	if (o->type == OBJ_REAL && o->u.r > -9e15 && o->u.r < 9e15)
		return (int64_t)o->u.r;
	return o->type == OBJ_INT ? o->u.i : otherwise;
}

uint32_t pdf_numbers(struct pdf *pdf, const struct obj *array, double *out, uint32_t max)
{
	uint32_t n = array->type == OBJ_ARRAY ? array->len : 0;

	for (uint32_t i = 0; i < n && i < max; i++) {
		struct obj o = pdf_at(pdf, array, i);

		out[i] = pdf_number(&o, 0);
	}
	return n;
}
