/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_image - pictures: those whose space has colours are decoded until one shows. */
#include "parse/pdf_image.h"
#include "parse/jpeg.h"
#include "parse/jpx.h"
#include "parse/pdf_chars.h"
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { INLINE_MAX = 64 << 20, INLINE_PENDING = 4 << 10, INLINE_DICT = 64 };

static double px_per_point(const struct run *r, const struct obj *image)
{
	struct obj w = pdf_get2(r->pdf, image, "Width", "W"),
		   h = pdf_get2(r->pdf, image, "Height", "H");
	const double *m = r->gs.ctm;
	double x = pdf_number(&w, 0) / fmax(hypot(m[0], m[1]), 1e-3);
	double y = pdf_number(&h, 0) / fmax(hypot(m[2], m[3]), 1e-3);

	return fmin(x, y);
}

/* Whether one of the two values of a bilevel picture is coloured: both are taken to occur. */
static uint8_t judge_bilevel(struct run *r, const struct cs *cs, const double *decode)
{
	uint8_t bits = VERDICT_KNOWN | VERDICT_MARKS;

	for (int i = 0; i < 2; i++) {
		double range[2], v[FUNC_MAX] = {0}, c;

		cs_decode(cs, 0, 1, range);
		v[0] = decode ? decode[i] : range[i];
		c = cs->n == 1 ? cs_chroma(cs, v, r->pdf->limits->composite_colour) : -1;
		bits |= c < 0 ? VERDICT_DOUBT : c > r->pdf->limits->tolerance ? VERDICT_COLOUR : 0;
	}
	return bits;
}

static uint8_t judge_jpx(struct run *r, struct stm *in, struct jpx_look *look)
{
	uint8_t bits = VERDICT_KNOWN | VERDICT_MARKS | VERDICT_DECODED;

	switch (jpx_look(in, look)) {
	case JPX_COLOUR:
		return bits | VERDICT_COLOUR;
	case JPX_GRAY:
		return look->top > look->tolerance / 2 ? bits | VERDICT_FAINT : bits;
	case JPX_NO_DECODER:
		r->pdf->wants_jpx = true;
		break;
	case JPX_BROKEN:
		break;
	}
	return bits | VERDICT_DOUBT;
}

static uint8_t judge_dct(
	struct run *r, struct stm *in, const struct obj *parms, struct jpeg_look *look)
{
	struct obj transform = pdf_get(r->pdf, parms, "ColorTransform");
	enum jpeg_answer answer;
	uint8_t bits = VERDICT_KNOWN | VERDICT_MARKS | VERDICT_DECODED;

	look->no_transform = transform.type == OBJ_INT && transform.u.i == 0;
	answer = jpeg_look(in, look);
	if (answer == JPEG_COLOUR)
		return bits | VERDICT_COLOUR;
	if (answer == JPEG_NONE)
		return VERDICT_KNOWN;
	if (answer == JPEG_BROKEN || r->pdf->budget.out_of_time)
		return bits | VERDICT_DOUBT;
	return look->top > look->tolerance / 2 ? bits | VERDICT_FAINT : bits;
}

static const double *read_decode(struct run *r, const struct obj *image, double *to, int n)
{
	struct obj o = pdf_get2(r->pdf, image, "Decode", "D");

	return n > 0 && pdf_numbers(r->pdf, &o, to, 2 * FUNC_MAX) >= 2 * (uint32_t)n ? to : NULL;
}

static uint8_t judge_raw(struct run *r, struct stm *in, const struct obj *image,
	const struct cs *cs, const double *decode, double scale, const struct cells *shown)
{
	struct obj w = pdf_get2(r->pdf, image, "Width", "W"),
		   h = pdf_get2(r->pdf, image, "Height", "H");
	struct obj b = pdf_get2(r->pdf, image, "BitsPerComponent", "BPC"),
		   mask = pdf_get(r->pdf, image, "Mask");
	struct obj space = pdf_get2(r->pdf, image, "ColorSpace", "CS");
	struct raw_image raw = {
		.cs = cs,
		.width = pdf_int(&w, 0),
		.height = pdf_int(&h, 0),
		.bpc = (int)pdf_int(&b, 8),
		.decode = decode,
		.scale = scale,
		.shown = shown,
		.tolerance = r->pdf->limits->tolerance,
		.composite_colour = r->pdf->limits->composite_colour,
	};

	if (space.type == OBJ_NULL) /* nobody can draw it */
		return VERDICT_KNOWN;
	if (mask.type == OBJ_ARRAY &&
		pdf_numbers(r->pdf, &mask, raw.key, 2 * FUNC_MAX) >= 2 * (uint32_t)cs->n)
		raw.keyed = true;
	return raw_image_judge(in, &raw);
}

static uint8_t judge(struct run *r, struct stm *in, enum pdf_codec codec, const struct obj *image,
	const struct obj *parms, double scale, const struct cells *shown)
{
	struct obj space = pdf_get2(r->pdf, image, "ColorSpace", "CS");
	const struct cs *cs = cs_load(r->pdf, &r->caches->cs, &space, NULL);
	double range[2 * FUNC_MAX];
	const double *decode = read_decode(r, image, range, cs->n);
	struct jpeg_look look = {.cs = cs->kind == CS_UNKNOWN ? NULL : cs,
		.decode = decode,
		.scale = scale,
		.shown = shown,
		.tolerance = r->pdf->limits->tolerance,
		.composite_colour = r->pdf->limits->composite_colour};
	struct jpx_look jpx = {
		look.cs, decode, scale, look.tolerance, look.composite_colour, shown, 0};

	switch (codec) {
	case CODEC_DCT:
		return judge_dct(r, in, parms, &look);
	case CODEC_JPX:
		return judge_jpx(r, in, &jpx);
	case CODEC_CCITT:
	case CODEC_JBIG2:
		return judge_bilevel(r, cs, decode);
	case CODEC_UNKNOWN: /* nobody can draw it */
		return VERDICT_KNOWN;
	default:
		return judge_raw(r, in, image, cs, decode, scale, shown);
	}
}

/* A mask of 1 or 8 bits that is no picture of a codec: its numbers, and which of them let the picture show. */
struct mask_form {
	int64_t width, height;
	int bits;
	bool soft, inverse;
};

static bool read_mask_form(struct run *r, const struct obj *mask, bool soft, struct mask_form *m)
{
	struct obj w = pdf_get2(r->pdf, mask, "Width", "W"),
		   h = pdf_get2(r->pdf, mask, "Height", "H");
	struct obj bits = pdf_get2(r->pdf, mask, "BitsPerComponent", "BPC"),
		   decode = pdf_get2(r->pdf, mask, "Decode", "D");
	double d[2] = {0, 1};

	pdf_numbers(r->pdf, &decode, d, 2);
	*m = (struct mask_form){pdf_int(&w, 0), pdf_int(&h, 0), (int)pdf_int(&bits, soft ? 8 : 1),
		soft, d[0] > d[1]};
	return m->width > 0 && m->width < 1 << 16 && m->height > 0 && m->height < 1 << 20 &&
	       (m->bits == 1 || (soft && m->bits == 8)) && fabs(d[0] - d[1]) == 1;
}

static bool shows(const struct mask_form *m, const uint8_t *row, int64_t x, int tolerance)
{
	int v = m->bits == 8 ? row[x] : row[x / 8] >> (7 - x % 8) & 1 ? 255 : 0;

	v = m->inverse ? 255 - v : v;
	return m->soft ? v > tolerance : v == 0;
}

static void add_row(
	struct cells *c, const struct mask_form *m, const uint8_t *row, int64_t y, int tolerance)
{
	bool *on = c->on[cell_of((uint64_t)y, (uint64_t)m->height)];

	for (int64_t x = 0; x < m->width; x++)
		if (shows(m, row, x, tolerance))
			on[cell_of((uint64_t)x, (uint64_t)m->width)] = true;
}

/* The cell in which the element of the mask stands that covers cell @i: small masks have fewer elements than cells. */
static int cell_in_force(int i, int64_t size)
{
	return (int)cell_of((uint64_t)(i * size / CELLS), (uint64_t)size);
}

/* Cells beside those that show may show as well: sizes differ, and renderers and codecs smooth. */
static void spread(struct cells *c, const struct mask_form *m)
{
	struct cells was = *c;

	for (int y = 0; y < CELLS; y++)
		for (int x = 0; x < CELLS; x++)
			was.on[y][x] |=
				c->on[cell_in_force(y, m->height)][cell_in_force(x, m->width)];
	c->any = false;
	c->all = true;
	for (int y = 0; y < CELLS; y++)
		for (int x = 0; x < CELLS; x++) {
			bool *on = &c->on[y][x];

			*on = was.on[y][x] || (x && was.on[y][x - 1]) || (y && was.on[y - 1][x]) ||
			      (x < CELLS - 1 && was.on[y][x + 1]) ||
			      (y < CELLS - 1 && was.on[y + 1][x]);
			c->any = c->any || *on;
			c->all = c->all && *on;
		}
}

/* What the mask of @image lets show. Return: false when it has none, or none that is understood. */
static bool read_cells(struct run *r, const struct obj *image, struct cells *c)
{
	struct obj soft = pdf_get(r->pdf, image, "SMask"), hard = pdf_get(r->pdf, image, "Mask");
	bool is_soft = soft.type == OBJ_STREAM;
	const struct obj *mask = is_soft ? &soft : &hard;
	AUTO(stm_closep) struct stm *in = NULL;
	AUTO(auto_free) uint8_t *row = NULL;
	struct mask_form m;
	enum pdf_codec codec;
	size_t len;

	if (mask->type != OBJ_STREAM || !read_mask_form(r, mask, is_soft, &m))
		return false;
	in = pdf_stream_open(r->pdf, mask, &codec, NULL);
	len = ((size_t)m.width * (size_t)m.bits + 7) / 8;
	row = in && codec == CODEC_NONE ? malloc(len) : NULL;
	if (!row)
		return false;
	memset(c, 0, sizeof(*c));
	for (int64_t y = 0; y < m.height; y++) {
		if (stm_read(in, row, len) < len)
			return false;
		add_row(c, &m, row, y, r->pdf->limits->tolerance);
	}
	spread(c, &m);
	return true;
}

static uint8_t decode_object(struct run *r, const struct obj *image, double scale)
{
	enum pdf_codec codec;
	struct obj parms = {.type = OBJ_NULL};
	AUTO(stm_closep) struct stm *in = pdf_stream_open(r->pdf, image, &codec, &parms);
	uint8_t bits = in ? judge(r, in, codec, image, &parms, scale, NULL)
			  : VERDICT_KNOWN | VERDICT_DOUBT;
	struct cells cells;

	if (!(bits & (VERDICT_COLOUR | VERDICT_DOUBT)) || !read_cells(r, image, &cells))
		return bits;
	if (!cells.any)
		return VERDICT_KNOWN | VERDICT_DECODED;
	if (cells.all || !(bits & VERDICT_COLOUR))
		return bits;
	/* Its colours may all lie where the mask hides them. */
	stm_close(in);
	in = pdf_stream_open(r->pdf, image, &codec, &parms);
	return in ? judge(r, in, codec, image, &parms, scale, &cells) : bits;
}

/* Decodes @image unless it was before. Its verdict counts here and for every later use. */
static void settle(struct run *r, const struct obj *image, double scale)
{
	uint32_t num = image->u.stream->num;
	uint8_t *kept = num ? verdict_of(r->caches, num) : NULL, bits = kept ? *kept : 0;

	if (!bits) {
		bits = decode_object(r, image, scale);
		kept = num ? verdict_of(r->caches, num) : NULL;
		if (kept)
			*kept = bits;
	}
	verdict_add(r, bits);
}

static const struct box unit_square = {0, 0, 1, 1};

/* Whether nothing shows through a picture that is painted now. */
static bool is_opaque(const struct run *r, const struct obj *image)
{
	const double *m = r->gs.ctm;

	return cover_opaque(r) && !pdf_raw(image, "SMask") && !pdf_raw(image, "Mask") &&
	       !pdf_raw(image, "SMaskInData") &&
	       ((m[1] == 0 && m[2] == 0) || (m[0] == 0 && m[3] == 0));
}

static void postpone(struct run *r, const struct obj *image)
{
	double scale = px_per_point(r, image);
	const uint8_t *kept = verdict_of(r->caches, image->u.stream->num);
	struct box where = box_cut(box_through(r->gs.ctm, unit_square), r->gs.clip);

	if (r->eager || r->nwaiting == WAITING_MAX || (kept && (*kept & VERDICT_COLOUR))) {
		settle(r, image, scale);
		if (r->v.colour)
			cover_defer(r, where);
	} else {
		r->waiting[r->nwaiting++] =
			(struct waiting_image){*image, scale, where, is_opaque(r, image), ++r->seq};
	}
}

static void finish(struct run *r, struct waiting_image *w)
{
	struct verdict before = r->v;
	bool known;

	if (w->image.type == OBJ_NULL)
		return;
	r->v = (struct verdict){.colour = false};
	settle(r, &w->image, w->scale);
	known = !r->v.colour && !r->v.doubt;
	verdict_add(r, verdict_bits(&before));
	r->v.culled = before.culled;
	if (known && w->opaque)
		cover_with(r, w->where, w->seq);
}

/* Where one that is gray may hide what was painted before it, the last ones go first. */
void images_finish(struct run *r)
{
	bool backwards = cover_among_images(r);

	for (int i = 0; i < r->nwaiting && !r->v.colour; i++)
		finish(r, &r->waiting[backwards ? r->nwaiting - 1 - i : i]);
	r->nwaiting = 0;
}

static bool has_no_area(const double m[6])
{
	return m[0] == 0 && m[1] == 0 && m[2] == 0 && m[3] == 0;
}

/* A soft mask of the picture's own stands for that of the graphics state: ISO 32000-2 11.6.5.3. */
static bool picture_hidden(struct run *r, const struct obj *image, struct box where)
{
	struct obj own = pdf_get(r->pdf, image, "SMask");
	struct mask *mask = r->gs.mask;
	bool hidden;

	if (own.type == OBJ_STREAM)
		r->gs.mask = NULL;
	hidden = mark_hidden(r, 255, where);
	r->gs.mask = mask;
	return hidden;
}

/* Whether a gray picture of eight bits is all black: only that is looked for in soft masks. */
static bool is_dark(struct run *r, const struct obj *image)
{
	struct obj space = pdf_get2(r->pdf, image, "ColorSpace", "CS"),
		   bits = pdf_get2(r->pdf, image, "BitsPerComponent", "BPC"),
		   decode = pdf_get2(r->pdf, image, "Decode", "D");
	AUTO(stm_closep) struct stm *in = NULL;
	enum pdf_codec codec;
	bool any = false;

	if (image->type != OBJ_STREAM || !pdf_name_is(&space, "DeviceGray") ||
		pdf_int(&bits, 0) != 8 || decode.type != OBJ_NULL)
		return false;
	in = pdf_stream_open(r->pdf, image, &codec, NULL);
	if (!in || codec != CODEC_NONE)
		return false;
	for (; stm_fill(in); in->p = in->end) {
		any = true;
		for (const uint8_t *p = in->p; p < in->end; p++)
			if (*p > r->pdf->limits->tolerance)
				return false;
	}
	return any;
}

/* What every picture has in common. Return: whether its colours must be looked at. */
static bool needs_look(
	struct run *r, const struct obj *image, const struct obj *resources, bool *gray)
{
	struct obj mask = pdf_get2(r->pdf, image, "ImageMask", "IM");
	struct obj space = pdf_get2(r->pdf, image, "ColorSpace", "CS");
	struct box where = box_through(r->gs.ctm, unit_square);

	*gray = true;
	if (mask.type == OBJ_BOOL && mask.u.b) {
		paint_mark(r, &r->gs.fill, r->gs.fill_alpha, where);
		return false;
	}
	if (!in_sight(&r->gs, where) || has_no_area(r->gs.ctm)) {
		r->v.culled++;
		return false;
	}
	if (r->probe)
		probe_mark(
			r, is_dark(r, image) ? 0 : 1, r->gs.fill_alpha * r->gs.group_alpha, where);
	if (r->uncoloured || r->probe ||
		r->gs.fill_alpha * r->gs.group_alpha * 255 <= r->pdf->limits->tolerance ||
		picture_hidden(r, image, where))
		return false;
	run_marks(r, -1);
	if (space.type != OBJ_NULL)
		*gray = cs_load(r->pdf, &r->caches->cs, &space, resources)->never_colour;
	else
		*gray = false;
	return !*gray;
}

/* Whether it is a picture, and not a stencil, and somebody can draw it. */
static bool has_data(struct run *r, const struct obj *image)
{
	struct obj mask = pdf_get2(r->pdf, image, "ImageMask", "IM");
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *in = NULL;

	if (mask.type == OBJ_BOOL && mask.u.b)
		return false;
	in = pdf_stream_open(r->pdf, image, &codec, NULL);
	return in && codec != CODEC_UNKNOWN && stm_fill(in);
}

void image_paint(
	struct run *r, const struct obj *image, const struct obj *ref, const struct obj *resources)
{
	struct box where;
	bool gray;

	(void)ref;
	if (needs_look(r, image, resources, &gray)) {
		postpone(r, image);
		return;
	}
	if (!gray || (!r->npending && !r->nwaiting))
		return;
	where = box_cut(box_through(r->gs.ctm, unit_square), r->gs.clip);
	if (cover_hits(r, where) && is_opaque(r, image) && has_data(r, image))
		cover_with(r, where, ++r->seq);
}

struct capture {
	uint8_t *p;
	size_t len, room;
};

static bool capture_add(struct capture *c, uint8_t octet)
{
	if (c->len == c->room) {
		size_t room = c->room ? 2 * c->room : 4096;
		uint8_t *more = room > INLINE_MAX ? NULL : realloc(c->p, room);

		if (!more)
			return false;
		c->p = more;
		c->room = room;
	}
	c->p[c->len++] = octet;
	return true;
}

/* "EI" may stand inside the data. It ends the picture when blanks stand around it and what follows
 * looks like content. */
static bool at_end(const struct capture *c, const struct stm *in)
{
	const uint8_t *p = c->p + c->len;

	if (c->len < 2 || p[-1] != 'I' || p[-2] != 'E' || (c->len > 2 && !pdf_is_space(p[-3])))
		return false;
	if (in->p == in->end)
		return true;
	if (!pdf_is_space(*in->p))
		return false;
	for (int i = 0; i < 12 && in->p + i < in->end; i++)
		if (in->p[i] >= 0x7f || (in->p[i] < 0x20 && !pdf_is_space(in->p[i])) || !in->p[i])
			return false;
	return true;
}

/* The octets between ID and EI, of which the first @known are data whatever they look like; at most @max. */
static void capture_data(struct content *c, struct capture *to, size_t known, size_t max)
{
	int ch;

	while (to->len < max && (ch = stm_get(c->in)) >= 0) {
		if (!capture_add(to, (uint8_t)ch))
			return;
		if (ch == 'I' && to->len >= known + 2) {
			stm_fill(c->in);
			if (at_end(to, c->in)) {
				to->len -= 2;
				return;
			}
		}
	}
}

static struct obj inline_dict(struct run *r, struct content *c)
{
	struct pdf_lex lx = {r->pdf, c->in, &r->pdf->arena, 0, 0};
	struct obj *items = arena_alloc(&r->pdf->arena, 2 * INLINE_DICT * sizeof(*items));
	uint32_t n = 0;

	for (;;) {
		struct obj key = pdf_lex_object(&lx), value;

		if (key.type == OBJ_END || key.type == OBJ_KEYWORD)
			break;
		if (key.type != OBJ_NAME)
			continue;
		value = pdf_lex_object(&lx);
		if (value.type == OBJ_END || value.type == OBJ_KEYWORD)
			break;
		if (items && n < INLINE_DICT) {
			items[2 * n] = key;
			items[2 * n++ + 1] = value;
		}
	}
	return (struct obj){.type = OBJ_DICT, .len = n, .u.items = items};
}

/* How many octets an unfiltered picture has, 0 when that is not known. */
static size_t raw_size(struct run *r, const struct obj *dict, const struct cs *cs)
{
	struct obj w = pdf_get2(r->pdf, dict, "Width", "W"),
		   h = pdf_get2(r->pdf, dict, "Height", "H");
	struct obj b = pdf_get2(r->pdf, dict, "BitsPerComponent", "BPC"),
		   f = pdf_get2(r->pdf, dict, "Filter", "F");
	struct obj mask = pdf_get2(r->pdf, dict, "ImageMask", "IM");
	int64_t width = pdf_int(&w, 0), height = pdf_int(&h, 0), bpc = pdf_int(&b, 8), n = cs->n;
	bool filtered = f.type == OBJ_NAME || (f.type == OBJ_ARRAY && f.len);

	if (mask.type == OBJ_BOOL && mask.u.b)
		n = bpc = 1;
	if (filtered || width <= 0 || height <= 0 || width > 1 << 20 || height > 1 << 20 ||
		bpc < 1 || bpc > 16)
		return 0;
	return (size_t)((width * n * bpc + 7) / 8 * height);
}

/* @dict with another ColorSpace, at its end: of a key that stands twice the last one counts. */
static bool put_space(
	struct run *r, const struct obj *dict, const struct obj *space, struct obj *out)
{
	struct obj *items =
		arena_alloc(&r->pdf->arena, 2 * ((size_t)dict->len + 1) * sizeof(*items));

	if (!items)
		return false;
	memcpy(items, dict->u.items, 2 * (size_t)dict->len * sizeof(*items));
	items[2 * dict->len] = (struct obj){.type = OBJ_NAME, .len = 10, .u.s = "ColorSpace"};
	items[2 * dict->len + 1] = *space;
	*out = (struct obj){.type = OBJ_DICT, .len = dict->len + 1, .u.items = items};
	return true;
}

struct obj image_in_space(struct run *r, const struct obj *image, const struct obj *space)
{
	struct pdf_stream *st = arena_alloc(&r->pdf->arena, sizeof(*st));
	struct obj out = *image;

	if (!st)
		return out;
	*st = *image->u.stream;
	if (put_space(r, &image->u.stream->dict, space, &st->dict))
		out.u.stream = st;
	return out;
}

/* Names of colour spaces in the page's resources are not known to judge(): the space goes in. */
static struct obj with_space(struct run *r, const struct obj *dict, const struct obj *resources)
{
	struct obj space = pdf_get2(r->pdf, dict, "ColorSpace", "CS"), spaces, found, out = *dict;

	if (space.type != OBJ_NAME)
		return out;
	spaces = pdf_get(r->pdf, resources, "ColorSpace");
	found = pdf_get(r->pdf, &spaces, space.u.s);
	if (found.type != OBJ_NULL)
		put_space(r, dict, &found, &out);
	return out;
}

void image_inline(struct run *r, struct content *c)
{
	struct obj dict = inline_dict(r, c), parms = {.type = OBJ_NULL};
	struct obj space = pdf_get2(r->pdf, &dict, "ColorSpace", "CS");
	const struct cs *cs = cs_load(r->pdf, &r->caches->cs, &space, c->resources);
	struct capture data = {NULL};
	enum pdf_codec codec;
	struct box where;
	struct stm *in;
	uint8_t bits;
	bool gray;

	if (stm_peek(c->in) >= 0 && pdf_is_space(stm_peek(c->in)))
		c->in->p++;
	capture_data(c, &data, raw_size(r, &dict, cs), r->npending ? INLINE_PENDING : INLINE_MAX);
	if (r->npending && data.len == INLINE_PENDING)
		r->v.colour = true; /* too much to read for a colour that is hardly hidden */
	if (!r->v.colour && !c->hidden && needs_look(r, &dict, c->resources, &gray)) {
		dict = with_space(r, &dict, c->resources);
		in = stm_new_mem(data.p, data.len, &r->pdf->budget);
		in = in ? pdf_filters(r->pdf, &dict, in, &codec, &parms) : NULL;
		bits = in ? judge(r, in, codec, &dict, &parms, px_per_point(r, &dict), NULL)
			  : VERDICT_DOUBT;
		stm_close(in);
		verdict_add(r, bits);
		where = box_through(r->gs.ctm, unit_square);
		if (r->v.colour)
			cover_defer(r, where);
		else if ((r->npending || r->nwaiting) && !(bits & VERDICT_DOUBT) &&
			 is_opaque(r, &dict))
			cover_with(r, box_cut(where, r->gs.clip), ++r->seq);
	}
	free(data.p);
}
