/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_func - load functions, and evaluate all but the calculator, which is pdf_calc.c. */
#include "parse/pdf_func.h"
#include "parse/pdf_calc.h"
#include <math.h>
#include <string.h>

enum {
	FUNC_DEPTH = 8,
	SAMPLES_MAX = 16 << 20,
	STITCHES = 4096,
};

enum func_kind { FUNC_SAMPLED, FUNC_EXPONENTIAL, FUNC_STITCHING, FUNC_CALCULATOR, FUNC_ARRAY };

struct func {
	enum func_kind kind;
	int m, n; /* inputs, outputs */
	double domain[2 * FUNC_MAX], range[2 * FUNC_MAX];
	bool has_range;
	/* sampled */
	int size[FUNC_MAX], bits;
	double encode[2 * FUNC_MAX], decode[2 * FUNC_MAX];
	const uint8_t *samples;
	/* exponential */
	double c0[FUNC_MAX], c1[FUNC_MAX], exponent;
	/* stitching and array */
	int k;
	struct func **parts;
	double *bounds, *stitch;
	struct calc *calc;
};

int func_inputs(const struct func *f)
{
	return f->m;
}

int func_outputs(const struct func *f)
{
	return f->n;
}

static struct func *load(struct pdf *pdf, const struct obj *o, int depth);

static uint32_t numbers(
	struct pdf *pdf, const struct obj *dict, const char *key, double *out, uint32_t max)
{
	struct obj a = pdf_get(pdf, dict, key);
	uint32_t n = pdf_numbers(pdf, &a, out, max);

	return n < max ? n : max;
}

static void *copy_to_arena(struct pdf *pdf, const struct obj *o, size_t need)
{
	size_t len = 0;
	uint8_t *p = pdf_slurp(pdf, o, need, &len), *kept = NULL;

	if (p)
		kept = arena_alloc(&pdf->arena, need);
	if (kept) {
		memset(kept, 0, need);
		memcpy(kept, p, len < need ? len : need);
	}
	free(p);
	return kept;
}

static bool load_sampled(struct pdf *pdf, const struct obj *o, struct func *f)
{
	struct obj size = pdf_get(pdf, o, "Size"), bits = pdf_get(pdf, o, "BitsPerSample");
	double v[FUNC_MAX];
	uint64_t total = (uint64_t)f->n;

	f->bits = (int)pdf_int(&bits, 8);
	if (pdf_numbers(pdf, &size, v, FUNC_MAX) < (uint32_t)f->m || f->bits < 1 || f->bits > 32 ||
		f->m > 6)
		return false;
	for (int i = 0; i < f->m; i++) {
		if (!(v[i] >= 1 && v[i] < 1 << 24))
			return false;
		f->size[i] = (int)v[i];
		total *= (uint64_t)f->size[i];
		if (total > SAMPLES_MAX)
			return false;
		f->encode[2 * i] = 0;
		f->encode[2 * i + 1] = f->size[i] - 1;
	}
	memcpy(f->decode, f->range, sizeof(f->decode));
	numbers(pdf, o, "Encode", f->encode, 2 * (uint32_t)f->m);
	numbers(pdf, o, "Decode", f->decode, 2 * (uint32_t)f->n);
	total = (total * (uint64_t)f->bits + 7) / 8;
	if (total > SAMPLES_MAX)
		return false;
	f->samples = copy_to_arena(pdf, o, (size_t)total + 8);
	return f->samples != NULL;
}

static bool load_exponential(struct pdf *pdf, const struct obj *o, struct func *f)
{
	struct obj n = pdf_get(pdf, o, "N");
	uint32_t n0, n1;

	f->c0[0] = 0;
	f->c1[0] = 1;
	n0 = numbers(pdf, o, "C0", f->c0, FUNC_MAX);
	n1 = numbers(pdf, o, "C1", f->c1, FUNC_MAX);
	f->exponent = pdf_number(&n, 1);
	f->n = n0 > n1 ? (int)n0 : n1 ? (int)n1 : 1;
	return true;
}

static bool load_stitching(struct pdf *pdf, const struct obj *o, struct func *f, int depth)
{
	struct obj parts = pdf_get(pdf, o, "Functions");
	uint32_t k = parts.type == OBJ_ARRAY ? parts.len : 0;

	if (!k || k > STITCHES)
		return false;
	f->parts = arena_alloc(&pdf->arena, k * sizeof(struct func *));
	f->bounds = arena_alloc(&pdf->arena, (k + 1) * sizeof(double));
	f->stitch = arena_alloc(&pdf->arena, 2 * k * sizeof(double));
	if (!f->parts || !f->bounds || !f->stitch)
		return false;
	f->k = (int)k;
	for (uint32_t i = 0; i < k; i++) {
		struct obj part = pdf_at(pdf, &parts, i);

		f->stitch[2 * i] = 0;
		f->stitch[2 * i + 1] = 1;
		f->bounds[i] = f->domain[1];
		f->parts[i] = load(pdf, &part, depth + 1);
		if (!f->parts[i] || f->parts[i]->m != 1)
			return false;
	}
	f->n = f->parts[0]->n;
	numbers(pdf, o, "Bounds", f->bounds, k - 1);
	numbers(pdf, o, "Encode", f->stitch, 2 * k);
	return true;
}

static bool load_array(struct pdf *pdf, const struct obj *o, struct func *f, int depth)
{
	if (!o->len || o->len > FUNC_MAX)
		return false;
	f->kind = FUNC_ARRAY;
	f->k = f->n = (int)o->len;
	f->parts = arena_alloc(&pdf->arena, o->len * sizeof(struct func *));
	for (uint32_t i = 0; f->parts && i < o->len; i++) {
		struct obj part = pdf_at(pdf, o, i);

		f->parts[i] = load(pdf, &part, depth + 1);
		if (!f->parts[i] || f->parts[i]->n != 1 || f->parts[i]->m != f->parts[0]->m)
			return false;
		f->m = f->parts[i]->m;
	}
	return f->parts != NULL;
}

static struct func *load(struct pdf *pdf, const struct obj *o, int depth)
{
	struct func *f = depth > FUNC_DEPTH ? NULL : arena_alloc(&pdf->arena, sizeof(*f));
	struct obj type = pdf_get(pdf, o, "FunctionType");
	bool ok = false;

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	if (o->type == OBJ_ARRAY)
		return load_array(pdf, o, f, depth) ? f : NULL;
	f->domain[1] = 1;
	f->m = (int)numbers(pdf, o, "Domain", f->domain, 2 * FUNC_MAX) / 2;
	f->n = (int)numbers(pdf, o, "Range", f->range, 2 * FUNC_MAX) / 2;
	f->has_range = f->n > 0;
	if (!f->m)
		f->m = 1;
	switch (pdf_int(&type, -1)) {
	case 0:
		f->kind = FUNC_SAMPLED;
		ok = f->n > 0 && load_sampled(pdf, o, f);
		break;
	case 2:
		f->kind = FUNC_EXPONENTIAL;
		ok = load_exponential(pdf, o, f);
		break;
	case 3:
		f->kind = FUNC_STITCHING;
		ok = load_stitching(pdf, o, f, depth);
		break;
	case 4:
		f->kind = FUNC_CALCULATOR;
		f->calc = f->n ? calc_load(pdf, o) : NULL;
		ok = f->calc != NULL;
		break;
	}
	return ok ? f : NULL;
}

struct func *func_load(struct pdf *pdf, const struct obj *o)
{
	return load(pdf, o, 0);
}

static double clamp(double v, double lo, double hi)
{
	return v >= lo ? (v <= hi ? v : hi) : lo; /* not a number becomes @lo */
}

static double interpolate(double v, double x0, double x1, double y0, double y1)
{
	return x1 == x0 ? y0 : y0 + (v - x0) * (y1 - y0) / (x1 - x0);
}

static double sample(const struct func *f, uint64_t index)
{
	uint64_t bit = index * (uint64_t)f->bits, v = 0;
	const uint8_t *p = f->samples + bit / 8;

	for (int i = 0; i < 5; i++)
		v = v << 8 | p[i];
	v = v >> (40 - (int)(bit % 8) - f->bits) & ((1ull << f->bits) - 1);
	return (double)v / (double)((1ull << f->bits) - 1);
}

/* Linear between the 2^m corners around the point. */
static void eval_sampled(const struct func *f, const double *in, double *out)
{
	int low[6];
	double part[6];

	for (int i = 0; i < f->m; i++) {
		double e = interpolate(in[i], f->domain[2 * i], f->domain[2 * i + 1],
			f->encode[2 * i], f->encode[2 * i + 1]);

		e = clamp(e, 0, f->size[i] - 1);
		low[i] = (int)e < f->size[i] - 1 ? (int)e : f->size[i] > 1 ? f->size[i] - 2 : 0;
		part[i] = e - low[i];
	}
	for (int j = 0; j < f->n; j++) {
		double sum = 0;

		for (int corner = 0; corner < 1 << f->m; corner++) {
			double weight = 1;
			uint64_t index = 0;

			for (int i = f->m - 1; i >= 0; i--) {
				int up = corner >> i & 1;

				weight *= up ? part[i] : 1 - part[i];
				index = index * (uint64_t)f->size[i] +
					(uint64_t)(low[i] + (up && f->size[i] > 1));
			}
			if (weight > 0)
				sum += weight * sample(f, index * (uint64_t)f->n + (uint64_t)j);
		}
		out[j] = f->decode[2 * j] + sum * (f->decode[2 * j + 1] - f->decode[2 * j]);
	}
}

static bool eval_stitching(const struct func *f, const double *in, double *out)
{
	int i = 0;
	double lo, hi, v;

	while (i < f->k - 1 && in[0] >= f->bounds[i])
		i++;
	lo = i ? f->bounds[i - 1] : f->domain[0];
	hi = i < f->k - 1 ? f->bounds[i] : f->domain[1];
	v = interpolate(in[0], lo, hi, f->stitch[2 * i], f->stitch[2 * i + 1]);
	return func_eval(f->parts[i], &v, out);
}

static bool eval_array(const struct func *f, const double *in, double *out)
{
	for (int i = 0; i < f->k; i++) {
		double one[FUNC_MAX];

		if (!func_eval(f->parts[i], in, one))
			return false;
		out[i] = one[0];
	}
	return true;
}

bool func_eval(const struct func *f, const double *in, double *out)
{
	double x[FUNC_MAX];
	bool ok = true;

	if (f->kind == FUNC_ARRAY)
		return eval_array(f, in, out);
	for (int i = 0; i < f->m; i++)
		x[i] = clamp(in[i], f->domain[2 * i], f->domain[2 * i + 1]);
	switch (f->kind) {
	case FUNC_SAMPLED:
		eval_sampled(f, x, out);
		break;
	case FUNC_EXPONENTIAL:
		for (int j = 0; j < f->n; j++)
			out[j] = f->c0[j] + (f->exponent == 1 ? x[0] : pow(x[0], f->exponent)) *
						    (f->c1[j] - f->c0[j]);
		break;
	case FUNC_STITCHING:
		ok = eval_stitching(f, x, out);
		break;
	default:
		ok = calc_eval(f->calc, x, f->m, out, f->n);
		break;
	}
	for (int j = 0; f->has_range && j < f->n; j++)
		out[j] = clamp(out[j], f->range[2 * j], f->range[2 * j + 1]);
	return ok;
}
