/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_calc - PostScript calculator functions: ISO 32000-2 7.10.5.
 *
 * A program becomes a flat list of steps in which "if" and "ifelse" are jumps forward; there is no
 * way back, so it ends. */
#include "parse/pdf_calc.h"
#include <math.h>
#include <string.h>

enum { STEPS = 4096, STACK = 100, CALC_DEPTH = 32 };

enum op {
	OP_ABS,
	OP_ADD,
	OP_AND,
	OP_ATAN,
	OP_BITSHIFT,
	OP_CEILING,
	OP_COPY,
	OP_COS,
	OP_CVI,
	OP_CVR,
	OP_DIV,
	OP_DUP,
	OP_EQ,
	OP_EXCH,
	OP_EXP,
	OP_FALSE,
	OP_FLOOR,
	OP_GE,
	OP_GT,
	OP_IDIV,
	OP_INDEX,
	OP_LE,
	OP_LN,
	OP_LOG,
	OP_LT,
	OP_MOD,
	OP_MUL,
	OP_NE,
	OP_NEG,
	OP_NOT,
	OP_OR,
	OP_POP,
	OP_ROLL,
	OP_ROUND,
	OP_SIN,
	OP_SQRT,
	OP_SUB,
	OP_TRUE,
	OP_TRUNCATE,
	OP_XOR,
	OP_PUSH,
	OP_JUMP,
	OP_JUMP_UNLESS,
};

/* In the order of enum op, with the number of operands. */
static const struct {
	const char *name;
	int takes;
} words[] = {
	{"abs", 1},
	{"add", 2},
	{"and", 2},
	{"atan", 2},
	{"bitshift", 2},
	{"ceiling", 1},
	{"copy", 1},
	{"cos", 1},
	{"cvi", 1},
	{"cvr", 1},
	{"div", 2},
	{"dup", 1},
	{"eq", 2},
	{"exch", 2},
	{"exp", 2},
	{"false", 0},
	{"floor", 1},
	{"ge", 2},
	{"gt", 2},
	{"idiv", 2},
	{"index", 1},
	{"le", 2},
	{"ln", 1},
	{"log", 1},
	{"lt", 2},
	{"mod", 2},
	{"mul", 2},
	{"ne", 2},
	{"neg", 1},
	{"not", 1},
	{"or", 2},
	{"pop", 1},
	{"roll", 2},
	{"round", 1},
	{"sin", 1},
	{"sqrt", 1},
	{"sub", 2},
	{"true", 0},
	{"truncate", 1},
	{"xor", 2},
};

struct step {
	enum op op;
	int to;
	double value;
};

struct calc {
	int n;
	struct step steps[];
};

struct loader {
	struct pdf_lex lx;
	struct step *steps;
	int n;
};

static bool add_step(struct loader *l, struct step s)
{
	if (l->n >= STEPS)
		return false;
	l->steps[l->n++] = s;
	return true;
}

static bool add_word(struct loader *l, const struct obj *o)
{
	if (o->type == OBJ_BOOL)
		return add_step(l, (struct step){.op = OP_PUSH, .value = o->u.b});
	if (o->type == OBJ_INT || o->type == OBJ_REAL)
		return add_step(l, (struct step){.op = OP_PUSH, .value = pdf_number(o, 0)});
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (pdf_lex_is(o, words[i].name))
			return add_step(l, (struct step){.op = (enum op)i});
	return false;
}

static bool load_block(struct loader *l, int depth);

/* After "{": "cond {a} if" is a jump over a, "cond {a} {b} ifelse" two jumps. */
static bool load_branch(struct loader *l, int depth)
{
	int test = l->n, over;
	struct obj o;

	if (!add_step(l, (struct step){.op = OP_JUMP_UNLESS}) || !load_block(l, depth + 1))
		return false;
	o = pdf_lex_object(&l->lx);
	if (pdf_lex_is(&o, "if")) {
		l->steps[test].to = l->n;
		return true;
	}
	over = l->n;
	if (!pdf_lex_is(&o, "{") || !add_step(l, (struct step){.op = OP_JUMP}))
		return false;
	l->steps[test].to = l->n;
	if (!load_block(l, depth + 1))
		return false;
	l->steps[over].to = l->n;
	o = pdf_lex_object(&l->lx);
	return pdf_lex_is(&o, "ifelse");
}

static bool load_block(struct loader *l, int depth)
{
	while (depth < CALC_DEPTH) {
		struct obj o = pdf_lex_object(&l->lx);

		if (pdf_lex_is(&o, "}"))
			return true;
		if (pdf_lex_is(&o, "{") ? !load_branch(l, depth) : !add_word(l, &o))
			return false;
	}
	return false;
}

struct calc *calc_load(struct pdf *pdf, const struct obj *o)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *in = pdf_stream_open(pdf, o, &codec, NULL);
	AUTO(auto_free) struct step *steps = malloc(STEPS * sizeof(*steps));
	struct loader l = {.lx = {pdf, in, &pdf->arena, 0, 0}, .steps = steps};
	struct calc *c;
	struct obj open;

	if (!in || !steps)
		return NULL;
	open = pdf_lex_object(&l.lx);
	if (!pdf_lex_is(&open, "{") || !load_block(&l, 0))
		return NULL;
	c = arena_alloc(&pdf->arena, sizeof(*c) + (size_t)l.n * sizeof(*steps));
	if (!c)
		return NULL;
	c->n = l.n;
	memcpy(c->steps, steps, (size_t)l.n * sizeof(*steps));
	return c;
}

static int64_t whole(double v)
{
	return v > -9e15 && v < 9e15 ? (int64_t)v : 0;
}

static double shift(double v, double by)
{
	int64_t n = whole(by);
	uint32_t u = (uint32_t)whole(v);

	if (n <= -32 || n >= 32)
		return 0;
	return (double)(int32_t)(n >= 0 ? u << n : u >> -n);
}

static double degrees(double y, double x)
{
	double d = atan2(y, x) * 180 / M_PI;

	return d < 0 ? d + 360 : d;
}

static double unary(enum op op, double a)
{
	switch (op) {
	case OP_ABS:
		return fabs(a);
	case OP_CEILING:
		return ceil(a);
	case OP_COS:
		return cos(a * M_PI / 180);
	case OP_CVI:
	case OP_TRUNCATE:
		return trunc(a);
	case OP_FLOOR:
		return floor(a);
	case OP_LN:
		return log(a);
	case OP_LOG:
		return log10(a);
	case OP_NEG:
		return -a;
	case OP_NOT: /* of a truth value: programs hardly ever mean the bits */
		return a == 0;
	case OP_ROUND:
		return floor(a + 0.5);
	case OP_SIN:
		return sin(a * M_PI / 180);
	case OP_SQRT:
		return sqrt(a);
	default: /* cvr */
		return a;
	}
}

static double binary(enum op op, double a, double b)
{
	switch (op) {
	case OP_ADD:
		return a + b;
	case OP_AND:
		return (double)(whole(a) & whole(b));
	case OP_ATAN:
		return degrees(a, b);
	case OP_BITSHIFT:
		return shift(a, b);
	case OP_DIV:
		return b != 0 ? a / b : 0;
	case OP_EQ:
		return a == b;
	case OP_EXP:
		return pow(a, b);
	case OP_GE:
		return a >= b;
	case OP_GT:
		return a > b;
	case OP_IDIV:
		return whole(b) ? (double)(whole(a) / whole(b)) : 0;
	case OP_LE:
		return a <= b;
	case OP_LT:
		return a < b;
	case OP_MOD:
		return whole(b) ? (double)(whole(a) % whole(b)) : 0;
	case OP_MUL:
		return a * b;
	case OP_NE:
		return a != b;
	case OP_OR:
		return (double)(whole(a) | whole(b));
	case OP_SUB:
		return a - b;
	default: /* xor */
		return (double)(whole(a) ^ whole(b));
	}
}

static bool roll(double *s, int n, double count, double by)
{
	double t[STACK];
	int64_t k = whole(count), j = whole(by);

	if (k < 0 || k > n)
		return false;
	if (!k)
		return true;
	memcpy(t, s + n - k, (size_t)k * sizeof(*t));
	for (int64_t i = 0; i < k; i++)
		s[n - k + ((i + j) % k + k) % k] = t[i];
	return true;
}

/* The words that move values about. Return: the new height of the stack, -1 for a failure. */
static int shuffle(enum op op, double *s, int n)
{
	int64_t k;
	double t;

	switch (op) {
	case OP_COPY:
		k = whole(s[--n]);
		if (k < 0 || k > n || n + k > STACK)
			return -1;
		memmove(s + n, s + n - k, (size_t)k * sizeof(*s));
		return n + (int)k;
	case OP_DUP:
		s[n] = s[n - 1];
		return n + 1;
	case OP_EXCH:
		t = s[n - 1];
		s[n - 1] = s[n - 2];
		s[n - 2] = t;
		return n;
	case OP_INDEX:
		k = whole(s[n - 1]);
		if (k < 0 || k > n - 2)
			return -1;
		s[n - 1] = s[n - 2 - k];
		return n;
	case OP_POP:
		return n - 1;
	case OP_ROLL:
		return roll(s, n - 2, s[n - 2], s[n - 1]) ? n - 2 : -1;
	default:
		s[n] = op == OP_TRUE;
		return n + 1;
	}
}

static int apply(enum op op, double *s, int n)
{
	int takes = words[op].takes;

	if (n < takes || n >= STACK)
		return -1;
	if (op == OP_COPY || op == OP_DUP || op == OP_EXCH || op == OP_INDEX || op == OP_POP ||
		op == OP_ROLL || !takes)
		return shuffle(op, s, n);
	if (takes == 1)
		s[n - 1] = unary(op, s[n - 1]);
	else
		s[n - 2] = binary(op, s[n - 2], s[n - 1]);
	return n - takes + 1;
}

bool calc_eval(const struct calc *c, const double *in, int m, double *out, int n)
{
	double s[STACK + 1];
	int top = m;

	memcpy(s, in, (size_t)m * sizeof(*s));
	for (int i = 0; i < c->n; i++) {
		const struct step *step = &c->steps[i];

		if (step->op == OP_PUSH && top < STACK)
			s[top++] = step->value;
		else if (step->op == OP_JUMP)
			i = step->to - 1;
		else if (step->op == OP_JUMP_UNLESS && top > 0)
			i = s[--top] != 0 ? i : step->to - 1;
		else if (step->op >= OP_PUSH)
			return false;
		else if ((top = apply(step->op, s, top)) < 0)
			return false;
	}
	if (top < n)
		return false;
	memcpy(out, s + top - n, (size_t)n * sizeof(*s));
	return true;
}
