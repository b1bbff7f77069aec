/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_cs - colour spaces, and what a colour in one looks like: ISO 32000-2 8.6. */
#include "parse/pdf_cs.h"
#include <math.h>
#include <string.h>

enum { CS_DEPTH = 6 };

const struct cs cs_gray = {.kind = CS_GRAY, .n = 1, .never_colour = true};
const struct cs cs_rgb = {.kind = CS_RGB, .n = 3};
const struct cs cs_cmyk = {.kind = CS_CMYK, .n = 4};
const struct cs cs_pattern = {.kind = CS_PATTERN};
static const struct cs cs_unknown = {.kind = CS_UNKNOWN};
static const struct cs cs_none = {.kind = CS_NONE, .n = 1};
static const struct cs cs_all = {.kind = CS_GRAY, .n = 1, .never_colour = true};

struct loader {
	struct pdf *pdf;
	const struct obj *resources;
};

static const struct cs *load(struct loader *l, const struct obj *o, int depth);

static struct cs *new_cs(struct loader *l, enum cs_kind kind, int n)
{
	struct cs *cs = arena_alloc(&l->pdf->arena, sizeof(*cs));

	if (cs)
		*cs = (struct cs){.kind = kind, .n = n};
	return cs;
}

static const struct cs *by_components(int64_t n)
{
	return n == 1 ? &cs_gray : n == 3 ? &cs_rgb : n == 4 ? &cs_cmyk : &cs_unknown;
}

static bool icc_is_lab(struct pdf *pdf, const struct obj *profile)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *s = pdf_stream_open(pdf, profile, &codec, NULL);
	char head[20];

	return s && codec == CODEC_NONE && stm_read(s, head, 20) == 20 &&
	       !memcmp(head + 16, "Lab ", 4);
}

static const struct cs *load_icc(struct loader *l, const struct obj *a, int depth)
{
	struct obj stream = pdf_at(l->pdf, a, 1), n = pdf_get(l->pdf, &stream, "N");
	struct obj alt = pdf_get(l->pdf, &stream, "Alternate");
	const struct cs *cs = NULL;
	struct cs *lab;

	/* N is what renderers go by; an alternate of the same size may say more, as Lab does. */
	if (alt.type != OBJ_NULL)
		cs = load(l, &alt, depth + 1);
	if (cs && cs->n == pdf_int(&n, cs->n) && cs->kind == CS_LAB)
		return cs;
	if (pdf_int(&n, 0) == 3 && icc_is_lab(l->pdf, &stream)) {
		lab = new_cs(l, CS_LAB, 3);
		if (lab) {
			*lab = (struct cs){.kind = CS_LAB,
				.n = 3,
				.range = {-128, 127, -128, 127},
				.white = {0.9642, 1, 0.8249}};
			return lab;
		}
	}
	if (n.type != OBJ_INT && cs)
		return cs;
	return by_components(pdf_int(&n, 0));
}

static const struct cs *load_lab(struct loader *l, const struct obj *a)
{
	struct obj dict = pdf_at(l->pdf, a, 1), range = pdf_get(l->pdf, &dict, "Range");
	struct obj white = pdf_get(l->pdf, &dict, "WhitePoint");
	struct cs *cs = new_cs(l, CS_LAB, 3);
	static const double standard[4] = {-100, 100, -100, 100}, d50[3] = {0.9642, 1, 0.8249};

	if (!cs)
		return &cs_unknown;
	memcpy(cs->range, standard, sizeof(standard));
	memcpy(cs->white, d50, sizeof(d50));
	pdf_numbers(l->pdf, &range, cs->range, 4);
	pdf_numbers(l->pdf, &white, cs->white, 3);
	return cs;
}

static const uint8_t *load_palette(struct loader *l, const struct obj *lookup, size_t need)
{
	uint8_t *kept = arena_alloc(&l->pdf->arena, need + 1), *data = NULL;
	size_t len = 0;

	if (!kept)
		return NULL;
	memset(kept, 0, need);
	if (lookup->type == OBJ_STREAM)
		data = pdf_slurp(l->pdf, lookup, need, &len);
	else if (lookup->type == OBJ_STRING)
		len = lookup->len;
	else
		return NULL;
	if (data || lookup->type == OBJ_STRING)
		memcpy(kept, data ? (const void *)data : lookup->u.s, len < need ? len : need);
	free(data);
	return kept;
}

static const struct cs *load_indexed(struct loader *l, const struct obj *a, int depth)
{
	struct obj base = pdf_at(l->pdf, a, 1), high = pdf_at(l->pdf, a, 2),
		   lookup = pdf_at(l->pdf, a, 3);
	const struct cs *b = load(l, &base, depth + 1);
	struct cs *cs = new_cs(l, CS_INDEXED, 1);
	int64_t h = pdf_int(&high, -1);

	if (!cs || b->kind == CS_UNKNOWN || b->kind == CS_PATTERN || b->kind == CS_INDEXED || h < 0)
		return &cs_unknown;
	cs->base = b;
	cs->high = h > 255 ? 255 : (int)h;
	cs->palette = load_palette(l, &lookup, (size_t)(cs->high + 1) * (size_t)b->n);
	cs->never_colour = b->never_colour;
	return cs->palette ? cs : &cs_unknown;
}

static const struct cs *load_tint(struct loader *l, const struct obj *a, int depth)
{
	struct obj names = pdf_at(l->pdf, a, 1), alt = pdf_at(l->pdf, a, 2),
		   tint = pdf_at(l->pdf, a, 3);
	uint32_t n = names.type == OBJ_ARRAY ? names.len : 1, none = 0;
	struct cs *cs;

	for (uint32_t i = 0; i < n; i++) {
		struct obj name = names.type == OBJ_ARRAY ? pdf_at(l->pdf, &names, i) : names;

		none += pdf_name_is(&name, "None");
		if (n == 1 && pdf_name_is(&name, "All"))
			return &cs_all;
	}
	if (none == n && n == 1)
		return &cs_none;
	cs = new_cs(l, none == n ? CS_NONE : CS_TINT, (int)n);
	if (!cs || n > FUNC_MAX)
		return &cs_unknown;
	cs->base = load(l, &alt, depth + 1);
	cs->tint = func_load(l->pdf, &tint);
	cs->never_colour = cs->base->never_colour;
	if (cs->base->kind == CS_UNKNOWN || cs->base->n < 1)
		return &cs_unknown;
	if (cs->tint && (func_inputs(cs->tint) != cs->n || func_outputs(cs->tint) < cs->base->n))
		cs->tint = NULL;
	return cs;
}

static const struct cs *load_pattern(struct loader *l, const struct obj *a, int depth)
{
	struct obj under = pdf_at(l->pdf, a, 1);
	struct cs *cs;

	if (under.type == OBJ_NULL)
		return &cs_pattern;
	cs = new_cs(l, CS_PATTERN, 0);
	if (!cs)
		return &cs_unknown;
	cs->base = load(l, &under, depth + 1);
	cs->n = cs->base->n;
	return cs;
}

static const struct cs *load_name(struct loader *l, const struct obj *o, int depth)
{
	static const struct {
		const char *name;
		const struct cs *cs;
	} device[] = {{"DeviceGray", &cs_gray}, {"G", &cs_gray}, {"CalGray", &cs_gray},
		{"DeviceRGB", &cs_rgb}, {"RGB", &cs_rgb}, {"CalRGB", &cs_rgb},
		{"DeviceCMYK", &cs_cmyk}, {"CMYK", &cs_cmyk}, {"CalCMYK", &cs_cmyk},
		{"Pattern", &cs_pattern}};
	struct obj spaces, found;

	for (size_t i = 0; i < sizeof(device) / sizeof(device[0]); i++)
		if (pdf_name_is(o, device[i].name))
			return device[i].cs;
	if (!l->resources)
		return &cs_unknown;
	spaces = pdf_get(l->pdf, l->resources, "ColorSpace");
	found = pdf_get(l->pdf, &spaces, o->u.s);
	if (found.type == OBJ_NULL || (found.type == OBJ_NAME && !strcmp(found.u.s, o->u.s)))
		return &cs_unknown;
	return load(l, &found, depth + 1);
}

static const struct cs *load(struct loader *l, const struct obj *o, int depth)
{
	struct obj family;

	if (depth > CS_DEPTH)
		return &cs_unknown;
	if (o->type == OBJ_NAME)
		return load_name(l, o, depth);
	family = pdf_at(l->pdf, o, 0);
	if (family.type != OBJ_NAME)
		return &cs_unknown;
	if (pdf_name_is(&family, "ICCBased"))
		return load_icc(l, o, depth);
	if (pdf_name_is(&family, "Lab"))
		return load_lab(l, o);
	if (pdf_name_is(&family, "Indexed") || pdf_name_is(&family, "I"))
		return load_indexed(l, o, depth);
	if (pdf_name_is(&family, "Separation") || pdf_name_is(&family, "DeviceN"))
		return load_tint(l, o, depth);
	if (pdf_name_is(&family, "Pattern"))
		return load_pattern(l, o, depth);
	return load_name(l, &family, depth);
}

const struct cs *cs_load(
	struct pdf *pdf, struct cs_cache *cache, const struct obj *o, const struct obj *resources)
{
	struct loader l = {pdf, resources};
	const struct obj *raw = o;
	struct obj v = pdf_resolve(pdf, o);
	uint32_t slot;

	/* A name is looked up first, so that what is found can be known by its object. */
	if (v.type == OBJ_NAME && resources) {
		struct obj spaces = pdf_get(pdf, resources, "ColorSpace");

		raw = pdf_raw(&spaces, v.u.s);
		if (!raw || raw->type != OBJ_REF)
			return load(&l, &v, 0);
	}
	if (raw->type != OBJ_REF)
		return load(&l, &v, 0);
	slot = raw->u.num % (sizeof(cache->slots) / sizeof(cache->slots[0]));
	if (cache->slots[slot].num != raw->u.num) {
		v = pdf_resolve(pdf, raw);
		cache->slots[slot].cs = load(&l, &v, 0);
		cache->slots[slot].num = raw->u.num;
	}
	return cache->slots[slot].cs;
}

static double unit(double v)
{
	return v >= 0 ? (v <= 1 ? v : 1) : 0;
}

static double lab_cube(double v)
{
	return v >= 6.0 / 29 ? v * v * v : 108.0 / 841 * (v - 4.0 / 29);
}

static double srgb_gamma(double v)
{
	v = unit(v);
	return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

/* To sRGB. The white point is taken for white, so only the shape of the space counts. */
static void lab_rgb(const double *v, double rgb[3])
{
	double m = (v[0] + 16) / 116, x = 0.9505 * lab_cube(m + v[1] / 500), y = lab_cube(m);
	double z = 1.089 * lab_cube(m - v[2] / 200);

	rgb[0] = srgb_gamma(3.2406 * x - 1.5372 * y - 0.4986 * z);
	rgb[1] = srgb_gamma(-0.9689 * x + 1.8758 * y + 0.0415 * z);
	rgb[2] = srgb_gamma(0.0557 * x - 0.2040 * y + 1.0570 * z);
}

static bool indexed_rgb(const struct cs *cs, double index, double rgb[3])
{
	int i = index > 0 ? (index < cs->high ? (int)index : cs->high) : 0;
	double v[FUNC_MAX];

	for (int k = 0; k < cs->base->n && k < FUNC_MAX; k++) {
		double r[2];

		cs_decode(cs->base, k, 8, r);
		v[k] = r[0] + cs->palette[i * cs->base->n + k] * (r[1] - r[0]) / 255;
	}
	return cs_rgb_of(cs->base, v, rgb);
}

bool cs_rgb_of(const struct cs *cs, const double *v, double rgb[3])
{
	double out[FUNC_MAX];

	switch (cs->kind) {
	case CS_GRAY:
		rgb[0] = rgb[1] = rgb[2] = unit(v[0]);
		return true;
	case CS_RGB:
		for (int i = 0; i < 3; i++)
			rgb[i] = unit(v[i]);
		return true;
	case CS_CMYK:
		for (int i = 0; i < 3; i++)
			rgb[i] = 1 - unit(unit(v[i]) + unit(v[3]));
		return true;
	case CS_LAB:
		lab_rgb(v, rgb);
		return true;
	case CS_INDEXED:
		return indexed_rgb(cs, v[0], rgb);
	case CS_TINT:
		return cs->tint && func_eval(cs->tint, v, out) && cs_rgb_of(cs->base, out, rgb);
	case CS_NONE:
		rgb[0] = rgb[1] = rgb[2] = 1;
		return true;
	default:
		return false;
	}
}

static bool uses_composite(const struct cs *cs, const double *v)
{
	double out[FUNC_MAX];

	if (cs->kind == CS_TINT)
		return cs->tint && func_eval(cs->tint, v, out) && uses_composite(cs->base, out);
	return cs->kind == CS_CMYK && (v[0] > 0.02 || v[1] > 0.02 || v[2] > 0.02);
}

double cs_chroma(const struct cs *cs, const double *v, bool composite_colour)
{
	double rgb[3];

	if (composite_colour && uses_composite(cs, v))
		return 255;
	if (cs->never_colour)
		return 0;
	if (!cs_rgb_of(cs, v, rgb))
		return -1;
	return 255 * (fmax(rgb[0], fmax(rgb[1], rgb[2])) - fmin(rgb[0], fmin(rgb[1], rgb[2])));
}

void cs_initial(const struct cs *cs, double *v)
{
	for (int i = 0; i < FUNC_MAX; i++)
		v[i] = cs->kind == CS_TINT || cs->kind == CS_NONE;
	if (cs->kind == CS_CMYK)
		v[3] = 1;
}

void cs_decode(const struct cs *cs, int i, int bpc, double range[2])
{
	range[0] = 0;
	range[1] = 1;
	if (cs->kind == CS_INDEXED) {
		range[1] = (1 << bpc) - 1;
	} else if (cs->kind == CS_LAB) {
		range[0] = i ? cs->range[2 * i - 2] : 0;
		range[1] = i ? cs->range[2 * i - 1] : 100;
	}
}
