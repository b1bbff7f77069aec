/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_content - read a content stream and dispatch its operators: ISO 32000-2 7.8, annex A.
 *
 * This loop is where the time goes, so it reads straight from the decoder's buffer and keeps
 * nothing but numbers, two names and the start of strings. */
#include "parse/pdf_chars.h"
#include "parse/pdf_run.h"
#include <string.h>

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

struct obj content_resource(struct run *r, const struct content *c, const char *kind,
	const char *name, const struct obj **raw)
{
	static const struct obj null = {.type = OBJ_NULL};
	struct obj all = pdf_get(r->pdf, c->resources, kind);
	const struct obj *found = pdf_raw(&all, name);

	if (raw)
		*raw = found ? found : &null;
	return pdf_resolve(r->pdf, found);
}

static void op_cm(struct run *r, struct content *c)
{
	double m[6];

	memcpy(m, content_operands(c, 6), sizeof(m));
	matrix_multiply(r->gs.ctm, m, r->gs.ctm);
}

enum device { DEVICE_GRAY, DEVICE_RGB, DEVICE_CMYK, DEVICES };

static const struct cs *const device_spaces[DEVICES] = {&cs_gray, &cs_rgb, &cs_cmyk};

/* The spaces that resources put in the place of device spaces: ISO 32000-2 8.6.5.6. */
static void read_defaults(struct run *r, struct content *c)
{
	static const char *const names[DEVICES] = {"DefaultGray", "DefaultRGB", "DefaultCMYK"};
	struct obj spaces = pdf_get(r->pdf, c->resources, "ColorSpace");

	c->defaults_read = true;
	for (int i = 0; i < DEVICES; i++) {
		const struct obj *o = spaces.type == OBJ_DICT ? pdf_raw(&spaces, names[i]) : NULL;
		const struct cs *to = o ? cs_load(r->pdf, &r->caches->cs, o, NULL) : NULL;

		if (!to || to->n != device_spaces[i]->n || to->kind == CS_UNKNOWN ||
			to->kind == CS_PATTERN)
			to = device_spaces[i];
		c->defaults[i] = to;
	}
}

static void op_device(struct run *r, struct content *c, struct paint *p, enum device device)
{
	if (r->uncoloured)
		return;
	if (!c->defaults_read)
		read_defaults(r, c);
	paint_set(r, p, c->defaults[device], content_operands(c, device_spaces[device]->n));
}

static void op_cs(struct run *r, struct content *c, struct paint *p)
{
	struct obj name = {
		.type = OBJ_NAME, .len = (uint32_t)strlen(c->name[1]), .u.s = c->name[1]};
	double v[FUNC_MAX];
	const struct cs *cs;

	if (r->uncoloured)
		return;
	cs = cs_load(r->pdf, &r->caches->cs, &name, c->resources);
	if (cs->kind == CS_UNKNOWN &&
		content_resource(r, c, "ColorSpace", c->name[1], NULL).type == OBJ_NULL)
		return; /* a name of nothing: renderers go on with the space they have */
	if (!c->defaults_read)
		read_defaults(r, c);
	for (int i = 0; i < DEVICES; i++)
		if (cs == device_spaces[i])
			cs = c->defaults[i];
	cs_initial(cs, v);
	paint_set(r, p, cs, v);
}

static void op_scn(struct run *r, struct content *c, struct paint *p)
{
	const struct obj *raw;

	if (r->uncoloured)
		return;
	if (c->nnames) {
		content_resource(r, c, "Pattern", c->name[1], &raw);
		p->pattern = *raw;
		p->chroma = 0;
		p->light = 1;
		p->white = false;
		if (p->cs->kind == CS_PATTERN && p->cs->base && c->nnum)
			p->chroma = cs_chroma(p->cs->base, content_operands(c, p->cs->n),
				r->pdf->limits->composite_colour);
		return;
	}
	if (c->nnum)
		paint_set(r, p, p->cs, content_operands(c, p->cs->n));
}

/* A picture in DeviceGray with the space that stands for it. For the other two renderers disagree, and colours stay
 * colours in what stands for them. */
static struct obj with_default(struct run *r, struct content *c, const struct obj *image)
{
	struct obj space = pdf_get(r->pdf, image, "ColorSpace"), spaces;

	if (!c->defaults_read)
		read_defaults(r, c);
	if (c->defaults[DEVICE_GRAY] == &cs_gray || !pdf_name_is(&space, "DeviceGray"))
		return *image;
	spaces = pdf_get(r->pdf, c->resources, "ColorSpace");
	return image_in_space(r, image, pdf_raw(&spaces, "DefaultGray"));
}

static void op_do(struct run *r, struct content *c)
{
	const struct obj *raw;
	struct obj x = content_resource(r, c, "XObject", c->name[1], &raw),
		   subtype = pdf_get(r->pdf, &x, "Subtype"), oc;

	if (x.type != OBJ_STREAM)
		return;
	oc = pdf_get(r->pdf, &x, "OC");
	if (oc.type == OBJ_DICT && layer_is_off(r, pdf_raw(&x, "OC")))
		return;
	if (pdf_name_is(&subtype, "Image")) {
		x = with_default(r, c, &x);
		image_paint(r, &x, raw, c->resources);
	}
	if (pdf_name_is(&subtype, "Form") || subtype.type == OBJ_NULL)
		run_form(r, &x, raw, c->resources);
}

static void op_sh(struct run *r, const struct content *c)
{
	const struct obj *raw;
	struct obj sh = content_resource(r, c, "Shading", c->name[1], &raw);

	if (!in_sight(&r->gs, r->gs.clip))
		return;
	if (r->probe)
		probe_mark(r, 1, r->gs.fill_alpha * r->gs.group_alpha, r->gs.clip);
	else if (!mark_hidden(r, 255, r->gs.clip))
		paint_shading(r, &sh, raw->type == OBJ_REF ? raw->u.num : 0,
			r->gs.fill_alpha * r->gs.group_alpha);
	run_marks(r, -1);
	if (r->v.colour)
		cover_defer(r, r->gs.clip);
}

static void op_bdc(struct run *r, struct content *c, bool has_properties)
{
	const struct obj *raw;

	c->marked++;
	if (c->hidden || !has_properties || c->nnames < 2 || strcmp(c->name[0], "OC") != 0)
		return;
	content_resource(r, c, "Properties", c->name[1], &raw);
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

	content_resource(r, c, "Font", c->name[1], &raw);
	r->gs.font = *raw;
	r->gs.font_size = content_operands(c, 1)[0];
}

static void text_op(struct run *r, struct content *c, uint32_t op)
{
	static const double identity[6] = {1, 0, 0, 1, 0, 0};
	const double *v;

	switch (op) {
	case OP2('B', 'T'):
		text_set(r, identity);
		r->text_clips = false;
		r->clip_text = (struct box){1, 1, 0, 0};
		break;
	case OP2('T', 'f'):
		op_tf(r, c);
		break;
	case OP2('T', 'r'):
		v = content_operands(c, 1);
		r->gs.text_mode = v[0] >= 0 && v[0] < 8 ? (int)v[0] : 0;
		break;
	case OP2('T', 'z'):
		r->gs.squeezed = content_operands(c, 1)[0] == 0;
		break;
	case OP2('T', 'L'):
		r->gs.leading = content_operands(c, 1)[0];
		break;
	case OP2('T', 'd'):
	case OP2('T', 'D'):
		v = content_operands(c, 2);
		if (op == OP2('T', 'D'))
			r->gs.leading = -v[1];
		text_move(r, v[0], v[1]);
		break;
	case OP2('T', 'm'):
		text_set(r, content_operands(c, 6));
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

static void colour_op(struct run *r, struct content *c, uint32_t op)
{
	struct gstate *gs = &r->gs;

	switch (op) {
	case OP1('g'):
		op_device(r, c, &gs->fill, DEVICE_GRAY);
		break;
	case OP1('G'):
		op_device(r, c, &gs->stroke, DEVICE_GRAY);
		break;
	case OP2('r', 'g'):
		op_device(r, c, &gs->fill, DEVICE_RGB);
		break;
	case OP2('R', 'G'):
		op_device(r, c, &gs->stroke, DEVICE_RGB);
		break;
	case OP1('k'):
		op_device(r, c, &gs->fill, DEVICE_CMYK);
		break;
	case OP1('K'):
		op_device(r, c, &gs->stroke, DEVICE_CMYK);
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
		r->gs.line_width = content_operands(c, 1)[0];
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
	case OP2('E', 'T'):
		if (r->text_clips)
			path_clip(r, r->clip_text, true);
		r->text_clips = false;
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
		if (r->npending && ++r->pending_ops > PENDING_OPS)
			r->v.colour = true;
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
	bool had_path = r->has_path, clip_next = r->clip_next, text_clips = r->text_clips;
	int lost = r->lost;
	struct box path = r->path;

	if (!c) {
		r->v.doubt = true;
		return;
	}
	c->in = in;
	c->resources = resources;
	c->base = r->nsaved;
	r->has_path = r->clip_next = r->text_clips = r->curved = false;
	r->npoints = r->nrects = 0;
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
	r->text_clips = text_clips;
	r->path = path;
	r->curved = had_path; /* its corners are not known any more */
	free(c);
}
