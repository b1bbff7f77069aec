/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_content - read a content stream and dispatch its operators: ISO 32000-2 7.8, annex A.
 *
 * This loop is where the time goes, so it reads straight from the decoder's buffer and keeps
 * nothing but numbers, two names and the start of strings. */
#include "parse/pdf_chars.h"
#include "parse/pdf_run.h"
#include <string.h>

#define OP1(a) ((uint32_t)(a))
#define OP2(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))
#define OP3(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

/* Reads a number whose first octet @c is still in the stream. */
static double read_number(struct stm *in, int c)
{
	static const double tenth[] = {1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9,
		1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17};
	uint64_t mantissa = 0;
	bool minus = false, point = false;
	int digits = 0, after = 0;

	do {
		if (c >= '0' && c <= '9') {
			if (digits < 17) {
				mantissa = mantissa * 10 + (uint64_t)(c - '0');
				digits += mantissa > 0;
				after += point;
			}
		} else if (c == '.') {
			point = true;
		} else if (c == '-') {
			minus = minus || !digits;
		} else if (c != '+') {
			break;
		}
		in->p++;
		c = stm_peek(in);
	} while (c >= 0);
	if (after > 17)
		return 0;
	return (minus ? -1.0 : 1.0) * (double)mantissa * tenth[after];
}

static void read_name(struct content *c)
{
	struct stm *in = c->in;
	char *to = c->name[1];
	size_t n = 0;
	int ch;

	memcpy(c->name[0], c->name[1], sizeof(c->name[0]));
	while ((ch = stm_peek(in)) >= 0 && pdf_is_regular(ch)) {
		in->p++;
		if (ch == '#' && pdf_hex(stm_peek(in)) >= 0) {
			ch = pdf_hex(stm_get(in)) << 4;
			ch |= pdf_hex(stm_peek(in)) >= 0 ? pdf_hex(stm_get(in)) : 0;
		}
		if (n < sizeof(c->name[1]) - 1)
			to[n++] = (char)ch;
	}
	to[n] = '\0';
	c->nnames++;
}

static void keep(struct content *c, int ch)
{
	if (c->nstr < STRING_KEPT)
		c->str[c->nstr++] = (uint8_t)ch;
	else
		c->str_more = true;
}

static int read_escape(struct stm *in)
{
	int c = stm_get(in), v;

	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case '\r':
		if (stm_peek(in) == '\n')
			in->p++;
		return -1;
	case '\n':
		return -1;
	}
	if (c < '0' || c > '7')
		return c;
	v = c - '0';
	for (int i = 0; i < 2 && (c = stm_peek(in)) >= '0' && c <= '7'; i++, in->p++)
		v = v * 8 + c - '0';
	return v & 0xff;
}

static void read_string(struct content *c)
{
	int ch, open = 1;

	while ((ch = stm_get(c->in)) >= 0) {
		if (ch == '(')
			open++;
		else if (ch == ')' && !--open)
			return;
		else if (ch == '\\' && (ch = read_escape(c->in)) < 0)
			continue;
		keep(c, ch);
	}
}

static void read_hex(struct content *c)
{
	int ch, hi = -1;

	while ((ch = stm_get(c->in)) >= 0 && ch != '>') {
		int v = pdf_hex(ch);

		if (v < 0)
			continue;
		if (hi < 0) {
			hi = v;
			continue;
		}
		keep(c, hi << 4 | v);
		hi = -1;
	}
	if (hi >= 0)
		keep(c, hi << 4);
}

/* A dictionary in the content: no operator that matters here reads it. */
static void skip_dict(struct content *c)
{
	int open = 1, ch;

	while (open && (ch = stm_get(c->in)) >= 0) {
		if (ch == '(') {
			size_t n = c->nstr;

			read_string(c);
			c->nstr = n;
		} else if (ch == '<' && stm_peek(c->in) == '<') {
			c->in->p++;
			open++;
		} else if (ch == '>' && stm_peek(c->in) == '>') {
			c->in->p++;
			open--;
		}
	}
}

/* The last @n numbers before the operator; absent ones read as 0. */
static const double *operands(struct content *c, int n)
{
	if (c->nnum >= n)
		return c->num + c->nnum - n;
	memset(c->num + c->nnum, 0, (size_t)(n - c->nnum) * sizeof(*c->num));
	return c->num;
}

static void add_point(struct run *r, double x, double y)
{
	struct box *b = &r->path;

	if (!r->has_path) {
		*b = (struct box){x, y, x, y};
		r->has_path = true;
		return;
	}
	b->x0 = x < b->x0 ? x : b->x0;
	b->y0 = y < b->y0 ? y : b->y0;
	b->x1 = x > b->x1 ? x : b->x1;
	b->y1 = y > b->y1 ? y : b->y1;
}

static void add_points(struct run *r, struct content *c, int n)
{
	const double *v = operands(c, 2 * n);

	for (int i = 0; i < n; i++)
		add_point(r, v[2 * i], v[2 * i + 1]);
}

static void op_re(struct run *r, struct content *c)
{
	const double *v = operands(c, 4);

	add_point(r, v[0], v[1]);
	add_point(r, v[0] + v[2], v[1] + v[3]);
}

enum { FILL = 1, STROKE = 2 };

static void end_path(struct run *r, int how)
{
	struct gstate *gs = &r->gs;
	struct box b = box_through(gs->ctm, r->path);

	if (r->has_path && (how & FILL) && (b.x1 > b.x0 || b.y1 > b.y0))
		paint_mark(r, &gs->fill, gs->fill_alpha, b);
	if (r->has_path && (how & STROKE)) {
		double w = gs->line_width / 2;
		struct box wide = {r->path.x0 - w, r->path.y0 - w, r->path.x1 + w, r->path.y1 + w};

		paint_mark(r, &gs->stroke, gs->stroke_alpha, box_through(gs->ctm, wide));
	}
	if (r->clip_next && !r->has_path)
		b = (struct box){1, 1, 0, 0}; /* an empty path clips everything away */
	if (r->clip_next) {
		struct box *clip = &gs->clip;

		clip->x0 = b.x0 > clip->x0 ? b.x0 : clip->x0;
		clip->y0 = b.y0 > clip->y0 ? b.y0 : clip->y0;
		clip->x1 = b.x1 < clip->x1 ? b.x1 : clip->x1;
		clip->y1 = b.y1 < clip->y1 ? b.y1 : clip->y1;
	}
	r->has_path = r->clip_next = false;
}

static void op_save(struct run *r)
{
	if (r->nsaved < SAVED_MAX)
		r->saved[r->nsaved++] = r->gs;
	else
		r->lost++;
}

static void op_restore(struct run *r, const struct content *c)
{
	if (r->lost)
		r->lost--;
	else if (r->nsaved > c->base)
		r->gs = r->saved[--r->nsaved];
}

static struct obj resource(struct run *r, const struct content *c, const char *kind,
	const char *name, const struct obj **raw)
{
	static const struct obj null = {.type = OBJ_NULL};
	struct obj all = pdf_get(r->pdf, c->resources, kind);
	const struct obj *found = pdf_raw(&all, name);

	if (raw)
		*raw = found ? found : &null;
	return pdf_resolve(r->pdf, found);
}

static void op_gs(struct run *r, const struct content *c)
{
	struct obj gs = resource(r, c, "ExtGState", c->name[1], NULL), o;

	o = pdf_get(r->pdf, &gs, "ca");
	r->gs.fill_alpha = pdf_number(&o, r->gs.fill_alpha);
	o = pdf_get(r->pdf, &gs, "CA");
	r->gs.stroke_alpha = pdf_number(&o, r->gs.stroke_alpha);
	o = pdf_get(r->pdf, &gs, "LW");
	r->gs.line_width = pdf_number(&o, r->gs.line_width);
	o = pdf_get(r->pdf, &gs, "Font");
	if (o.type == OBJ_ARRAY && o.len == 2) {
		struct obj size = pdf_at(r->pdf, &o, 1);

		r->gs.font = o.u.items[0];
		r->gs.font_size = pdf_number(&size, 0);
	}
}

static void op_cm(struct run *r, struct content *c)
{
	double m[6];

	memcpy(m, operands(c, 6), sizeof(m));
	matrix_multiply(r->gs.ctm, m, r->gs.ctm);
}

static void op_device(struct run *r, struct content *c, struct paint *p, const struct cs *cs)
{
	if (!r->uncoloured)
		paint_set(r, p, cs, operands(c, cs->n));
}

static void op_cs(struct run *r, const struct content *c, struct paint *p)
{
	struct obj name = {
		.type = OBJ_NAME, .len = (uint32_t)strlen(c->name[1]), .u.s = c->name[1]};
	double v[FUNC_MAX];
	const struct cs *cs;

	if (r->uncoloured)
		return;
	cs = cs_load(r->pdf, &r->caches->cs, &name, c->resources);
	if (cs->kind == CS_UNKNOWN &&
		resource(r, c, "ColorSpace", c->name[1], NULL).type == OBJ_NULL)
		return; /* a name of nothing: renderers go on with the space they have */
	cs_initial(cs, v);
	paint_set(r, p, cs, v);
}

static void op_scn(struct run *r, struct content *c, struct paint *p)
{
	const struct obj *raw;

	if (r->uncoloured)
		return;
	if (c->nnames) {
		resource(r, c, "Pattern", c->name[1], &raw);
		p->pattern = *raw;
		p->chroma = 0;
		p->white = false;
		if (p->cs->kind == CS_PATTERN && p->cs->base && c->nnum)
			p->chroma = cs_chroma(p->cs->base, operands(c, p->cs->n),
				r->pdf->limits->composite_colour);
		return;
	}
	if (c->nnum)
		paint_set(r, p, p->cs, operands(c, p->cs->n));
}

static void op_do(struct run *r, const struct content *c)
{
	const struct obj *raw;
	struct obj x = resource(r, c, "XObject", c->name[1], &raw),
		   subtype = pdf_get(r->pdf, &x, "Subtype"), oc;

	if (x.type != OBJ_STREAM)
		return;
	oc = pdf_get(r->pdf, &x, "OC");
	if (oc.type == OBJ_DICT && layer_is_off(r, pdf_raw(&x, "OC")))
		return;
	if (pdf_name_is(&subtype, "Image"))
		image_paint(r, &x, raw, c->resources);
	else if (pdf_name_is(&subtype, "Form") || subtype.type == OBJ_NULL)
		run_form(r, &x, raw, c->resources);
}

static void op_sh(struct run *r, const struct content *c)
{
	const struct obj *raw;
	struct obj sh = resource(r, c, "Shading", c->name[1], &raw);

	if (in_sight(&r->gs, r->gs.clip))
		paint_shading(r, &sh, raw->type == OBJ_REF ? raw->u.num : 0,
			r->gs.fill_alpha * r->gs.group_alpha);
}

static void op_bdc(struct run *r, struct content *c, bool has_properties)
{
	const struct obj *raw;

	c->marked++;
	if (c->hidden || !has_properties || c->nnames < 2 || strcmp(c->name[0], "OC") != 0)
		return;
	resource(r, c, "Properties", c->name[1], &raw);
	if (raw->type != OBJ_NULL && layer_is_off(r, raw))
		c->hidden = c->marked;
}

static void op_emc(struct content *c)
{
	if (c->hidden && c->hidden == c->marked)
		c->hidden = 0;
	if (c->marked)
		c->marked--;
}

static void text_move(struct run *r, double x, double y)
{
	double m[6] = {1, 0, 0, 1, x, y};

	matrix_multiply(r->line, m, r->line);
	memcpy(r->text, r->line, sizeof(r->text));
	r->text_moved = false;
}

static void text_set(struct run *r, const double *m)
{
	memcpy(r->line, m, sizeof(r->line));
	memcpy(r->text, m, sizeof(r->text));
	r->text_moved = false;
}

static void op_tf(struct run *r, struct content *c)
{
	const struct obj *raw;

	resource(r, c, "Font", c->name[1], &raw);
	r->gs.font = *raw;
	r->gs.font_size = operands(c, 1)[0];
}

static void text_op(struct run *r, struct content *c, uint32_t op)
{
	static const double identity[6] = {1, 0, 0, 1, 0, 0};
	const double *v;

	switch (op) {
	case OP2('B', 'T'):
		text_set(r, identity);
		break;
	case OP2('T', 'f'):
		op_tf(r, c);
		break;
	case OP2('T', 'r'):
		v = operands(c, 1);
		r->gs.text_mode = v[0] >= 0 && v[0] < 8 ? (int)v[0] : 0;
		break;
	case OP2('T', 'L'):
		r->gs.leading = operands(c, 1)[0];
		break;
	case OP2('T', 'd'):
	case OP2('T', 'D'):
		v = operands(c, 2);
		if (op == OP2('T', 'D'))
			r->gs.leading = -v[1];
		text_move(r, v[0], v[1]);
		break;
	case OP2('T', 'm'):
		text_set(r, operands(c, 6));
		break;
	case OP2('T', '*'):
		text_move(r, 0, -r->gs.leading);
		break;
	case OP1('\''):
	case OP1('"'):
		text_move(r, 0, -r->gs.leading);
		text_show(r, c);
		break;
	case OP2('T', 'j'):
	case OP2('T', 'J'):
		text_show(r, c);
		break;
	}
}

static void path_op(struct run *r, struct content *c, uint32_t op)
{
	switch (op) {
	case OP1('m'):
	case OP1('l'):
		add_points(r, c, 1);
		break;
	case OP1('c'):
		add_points(r, c, 3);
		break;
	case OP1('v'):
	case OP1('y'):
		add_points(r, c, 2);
		break;
	case OP2('r', 'e'):
		op_re(r, c);
		break;
	case OP1('W'):
	case OP2('W', '*'):
		r->clip_next = true;
		break;
	case OP1('n'):
		end_path(r, 0);
		break;
	case OP1('f'):
	case OP1('F'):
	case OP2('f', '*'):
		end_path(r, FILL);
		break;
	case OP1('S'):
	case OP1('s'):
		end_path(r, STROKE);
		break;
	case OP1('B'):
	case OP1('b'):
	case OP2('B', '*'):
	case OP2('b', '*'):
		end_path(r, FILL | STROKE);
		break;
	}
}

static void colour_op(struct run *r, struct content *c, uint32_t op)
{
	struct gstate *gs = &r->gs;

	switch (op) {
	case OP1('g'):
		op_device(r, c, &gs->fill, &cs_gray);
		break;
	case OP1('G'):
		op_device(r, c, &gs->stroke, &cs_gray);
		break;
	case OP2('r', 'g'):
		op_device(r, c, &gs->fill, &cs_rgb);
		break;
	case OP2('R', 'G'):
		op_device(r, c, &gs->stroke, &cs_rgb);
		break;
	case OP1('k'):
		op_device(r, c, &gs->fill, &cs_cmyk);
		break;
	case OP1('K'):
		op_device(r, c, &gs->stroke, &cs_cmyk);
		break;
	case OP2('c', 's'):
		op_cs(r, c, &gs->fill);
		break;
	case OP2('C', 'S'):
		op_cs(r, c, &gs->stroke);
		break;
	case OP2('s', 'c'):
	case OP3('s', 'c', 'n'):
		op_scn(r, c, &gs->fill);
		break;
	case OP2('S', 'C'):
	case OP3('S', 'C', 'N'):
		op_scn(r, c, &gs->stroke);
		break;
	}
}

static void other_op(struct run *r, struct content *c, uint32_t op)
{
	switch (op) {
	case OP1('w'):
		r->gs.line_width = operands(c, 1)[0];
		break;
	case OP2('c', 'm'):
		op_cm(r, c);
		break;
	case OP2('g', 's'):
		op_gs(r, c);
		break;
	case OP2('D', 'o'):
		if (!c->hidden)
			op_do(r, c);
		break;
	case OP2('s', 'h'):
		if (!c->hidden)
			op_sh(r, c);
		break;
	case OP2('d', '1'):
		r->uncoloured = r->uncoloured || r->glyph;
		break;
	case OP3('B', 'M', 'C'):
	case OP3('B', 'D', 'C'):
		op_bdc(r, c, op == OP3('B', 'D', 'C'));
		break;
	case OP3('E', 'M', 'C'):
		op_emc(c);
		break;
	}
}

static void dispatch(struct run *r, struct content *c, uint32_t op)
{
	enum { NONE, PATH, COLOUR, TEXT };
	static const uint8_t kind_of[128] = {
		['m'] = PATH,
		['l'] = PATH,
		['c'] = PATH,
		['v'] = PATH,
		['y'] = PATH,
		['W'] = PATH,
		['n'] = PATH,
		['f'] = PATH,
		['F'] = PATH,
		['S'] = PATH,
		['s'] = PATH,
		['B'] = PATH,
		['b'] = PATH,
		['g'] = COLOUR,
		['G'] = COLOUR,
		['k'] = COLOUR,
		['K'] = COLOUR,
		['\''] = TEXT,
		['"'] = TEXT,
	};
	int kind = op < 128 ? kind_of[op] : NONE;

	if (op == OP1('q')) {
		op_save(r);
	} else if (op == OP1('Q')) {
		op_restore(r, c);
	} else if (op == OP2('B', 'I')) {
		image_inline(r, c);
	} else if (op >> 8 == 'T' || op == OP2('B', 'T') || kind == TEXT) {
		if (!c->hidden || (op != OP2('T', 'j') && op != OP2('T', 'J') && kind != TEXT))
			text_op(r, c, op);
	} else if (kind == PATH || op == OP2('r', 'e') || (op & 0xff) == '*') {
		/* What is in a layer that is off still clips, but leaves no mark. */
		if (c->hidden && op != OP1('W') && op != OP2('W', '*') && r->has_path &&
			strchr("fFSsBb", (int)(op > 255 ? op >> 8 : op)))
			op = OP1('n');
		path_op(r, c, op);
	} else if (kind == COLOUR || op == OP2('r', 'g') || op == OP2('R', 'G') ||
		   op == OP2('c', 's') || op == OP2('C', 'S') || (op | 0x2020) == OP2('s', 'c') ||
		   (op | 0x202020) == OP3('s', 'c', 'n')) {
		colour_op(r, c, op);
	} else {
		other_op(r, c, op);
	}
}

/* An operator whose first octet is still in the stream; longer ones than three octets are none. */
static uint32_t read_operator(struct stm *in, int c)
{
	uint32_t op = 0;

	do {
		op = op >> 24 ? op : op << 8 | (uint32_t)c;
		in->p++;
		c = stm_peek(in);
	} while (c >= 0 && pdf_is_regular(c));
	return op;
}

static void forget_operands(struct content *c)
{
	c->nnum = c->nnames = 0;
	c->nstr = 0;
	c->str_more = c->in_array = c->jumps = false;
}

/* One token. Return: false at the end. */
static bool step(struct run *r, struct content *c)
{
	int ch = stm_peek(c->in);

	if (ch < 0)
		return false;
	if (pdf_class[ch] & PDF_DIGIT) {
		double v = read_number(c->in, ch);

		if (c->in_array)
			c->jumps = c->jumps || v > JUMP || v < -JUMP;
		else if (c->nnum < OPERANDS)
			c->num[c->nnum++] = v;
		return true;
	}
	if (!(pdf_class[ch] & (PDF_SPACE | PDF_DELIMITER))) {
		uint32_t op = read_operator(c->in, ch);

		dispatch(r, c, op);
		forget_operands(c);
		return !r->v.colour;
	}
	c->in->p++;
	if (ch == '/') {
		read_name(c);
	} else if (ch == '(') {
		read_string(c);
	} else if (ch == '<') {
		if (stm_peek(c->in) != '<') {
			read_hex(c);
		} else {
			c->in->p++;
			skip_dict(c);
		}
	} else if (ch == '[' || ch == ']') {
		c->in_array = ch == '[';
	} else if (ch == '%') {
		while ((ch = stm_get(c->in)) >= 0 && ch != '\n' && ch != '\r')
			;
	}
	return true;
}

void run_content(struct run *r, struct stm *in, const struct obj *resources)
{
	struct content *c = calloc(1, sizeof(*c));
	bool had_path = r->has_path, clip_next = r->clip_next;
	int lost = r->lost;
	struct box path = r->path;

	if (!c) {
		r->v.doubt = true;
		return;
	}
	c->in = in;
	c->resources = resources;
	c->base = r->nsaved;
	r->has_path = r->clip_next = false;
	r->lost = 0;
	while (step(r, c))
		;
	if (r->nsaved > c->base) {
		r->gs = r->saved[c->base];
		r->nsaved = c->base;
	}
	r->lost = lost;
	r->has_path = had_path;
	r->clip_next = clip_next;
	r->path = path;
	free(c);
}
