/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_page - judge the pages of a PDF: size, colour, blank or not. */
#include "parse/pdf_page.h"
#include "parse/pdf_run.h"
#include <errno.h>
#include <string.h>

enum { FONTS_MAX = 8192, CONTENTS_MAX = 10000 };

/* The streams of a Contents array, one after the other, with a blank between them. */
struct contents_stm {
	struct stm s;
	struct pdf *pdf;
	struct obj array;
	uint32_t next;
	struct stm *open;
};

static bool contents_fill(struct stm *s)
{
	static const uint8_t blank[] = "\n";
	struct contents_stm *c = (struct contents_stm *)s;

	for (;;) {
		enum pdf_codec codec;
		struct obj o;

		if (c->open && stm_fill(c->open)) {
			s->p = c->open->p;
			s->end = c->open->end;
			c->open->p = c->open->end;
			return true;
		}
		if (c->open) {
			s->bad = s->bad || c->open->bad;
			stm_close(c->open);
			c->open = NULL;
			s->p = blank;
			s->end = blank + 1;
			return true;
		}
		if (c->next >= c->array.len || c->next >= CONTENTS_MAX)
			return false;
		o = pdf_at(c->pdf, &c->array, c->next++);
		c->open = pdf_stream_open(c->pdf, &o, &codec, NULL);
		if (c->open && codec != CODEC_NONE) {
			stm_close(c->open);
			c->open = NULL;
		}
	}
}

static void contents_close(struct stm *s)
{
	stm_close(((struct contents_stm *)s)->open);
	free(s);
}

static struct stm *open_contents(struct pdf *pdf, const struct obj *page)
{
	struct obj o = pdf_get(pdf, page, "Contents");
	struct contents_stm *c;
	enum pdf_codec codec;
	struct stm *s;

	if (o.type == OBJ_STREAM) {
		s = pdf_stream_open(pdf, &o, &codec, NULL);
		if (s && codec != CODEC_NONE) {
			stm_close(s);
			return NULL;
		}
		return s;
	}
	if (o.type != OBJ_ARRAY)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->s = (struct stm){.fill = contents_fill, .close = contents_close, .budget = &pdf->budget};
	c->pdf = pdf;
	c->array = o;
	return &c->s;
}

static void run_init(struct run *r, struct pdf *pdf, struct caches *caches, struct gstate *saved,
	const struct pdf_box *box)
{
	static const double identity[6] = {1, 0, 0, 1, 0, 0};

	*r = (struct run){.pdf = pdf, .caches = caches, .saved = saved};
	memcpy(r->gs.ctm, identity, sizeof(identity));
	memcpy(r->text, identity, sizeof(identity));
	memcpy(r->line, identity, sizeof(identity));
	r->gs.clip = r->page = (struct box){box->x0, box->y0, box->x1, box->y1};
	ground_none(r);
	gstate_reset(&r->gs);
	r->gs.line_width = 1;
}

static void judge(
	struct run *r, const struct obj *page, const struct obj *resources, struct parse_page *out)
{
	AUTO(stm_closep) struct stm *in = open_contents(r->pdf, page);
	struct gstate first = r->gs;

	if (in)
		run_content(r, in, resources);
	r->gs = first;
	/* What follows is hardly ever laid over the page to hide something. */
	r->settled = true;
	if (!cover_may_come(r))
		r->v.colour = true;
	if (!r->v.colour)
		run_annotations(r, page);
	if (!r->v.colour)
		images_finish(r);
	r->v.colour = r->v.colour || r->npending;
	if (!r->v.colour && (r->pdf->budget.out_of_time || (in && in->bad && r->pdf->budget.spent)))
		r->v.doubt = true;
	out->how = r->v.decoded ? PARSE_HOW_DECODED : PARSE_HOW_PARSED;
	if (r->v.colour) {
		out->colour = PARSE_COLOUR_COLOUR;
	} else if (r->v.doubt) {
		out->how = PARSE_HOW_UNKNOWN;
	} else {
		out->colour = PARSE_COLOUR_GRAY;
		out->faint = r->v.faint;
		out->blank = !r->v.marks;
	}
}

static void forget(struct pdf *pdf, struct caches *c)
{
	if (pdf_forget(pdf)) {
		memset(&c->cs, 0, sizeof(c->cs));
		c->oc_read = false;
	}
	if (c->nfonts > FONTS_MAX)
		fonts_fini(c);
}

static void measure(
	struct pdf *pdf, const struct pdf_tree *tree, struct caches *c, struct parse_result *r)
{
	for (uint32_t i = 0; i < tree->nleaves; i++) {
		struct obj page = pdf_resolve(pdf, &tree->leaves[i].page);
		struct pdf_box box;

		pdf_leaf_size(pdf, tree, &tree->leaves[i], &page, &box, &r->pages[i]);
		forget(pdf, c);
	}
}

static void judge_all(struct pdf *pdf, const struct pdf_tree *tree, struct caches *c,
	struct gstate *saved, struct parse_result *r)
{
	AUTO(auto_free) struct run *run = malloc(sizeof(*run));

	for (uint32_t i = 0; run && i < tree->nleaves; i++) {
		struct obj page = pdf_resolve(pdf, &tree->leaves[i].page);
		struct obj resources = pdf_leaf_resources(pdf, tree, &tree->leaves[i], &page);
		struct pdf_box box;

		pdf_leaf_size(pdf, tree, &tree->leaves[i], &page, &box, &r->pages[i]);
		run_init(run, pdf, c, saved, &box);
		if (!pdf->budget.out_of_time)
			judge(run, &page, &resources, &r->pages[i]);
		forget(pdf, c);
	}
}

int pdf_judge_pages(struct pdf *pdf, const struct pdf_tree *tree, struct parse_result *r)
{
	AUTO(auto_free) struct gstate *saved = malloc(SAVED_MAX * sizeof(*saved));
	struct caches caches = {.nfonts = 0};

	if (!saved)
		return -ENOMEM;
	if (pdf->limits->count_only)
		measure(pdf, tree, &caches, r);
	else
		judge_all(pdf, tree, &caches, saved, r);
	fonts_fini(&caches);
	free(caches.verdicts);
	return 0;
}
