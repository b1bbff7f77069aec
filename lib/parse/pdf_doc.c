/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_doc - the page tree, the pages' sizes and what the document says of itself. */
#include "parse/pdf.h"
#include "parse/pdf_page.h"
#include "parse/result.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum { TREE_DEPTH = 200, NODES_MAX = 1 << 22 };

/* The walk down the tree holds one frame a level, so that deep trees cost no stack. */
struct frame {
	struct obj ref, kids;
	uint32_t next, node;
};

struct walk {
	struct pdf *pdf;
	struct pdf_tree *tree;
	uint8_t *
		visited; /* a bit an object: of intermediate nodes alone, as a page may be used twice */
	struct frame frames[TREE_DEPTH];
	int depth;
};

/* Room for one more of what a vector holds. */
static bool grow(void *vector, uint32_t n, uint32_t *room, size_t size)
{
	void **p = vector, *more;

	if (n < *room)
		return true;
	more = realloc(*p, (*room ? 2 * (size_t)*room : 64) * size);
	if (!more)
		return false;
	*p = more;
	*room = *room ? 2 * *room : 64;
	return true;
}

static bool read_box(struct pdf *pdf, const struct obj *dict, const char *key, double box[4])
{
	struct obj o = pdf_get(pdf, dict, key);
	double v[4];

	if (o.type != OBJ_ARRAY || pdf_numbers(pdf, &o, v, 4) < 4)
		return false;
	if (!isfinite(v[0] - v[2]) || !isfinite(v[1] - v[3]) || v[0] == v[2] || v[1] == v[3])
		return false;
	box[0] = fmin(v[0], v[2]);
	box[1] = fmin(v[1], v[3]);
	box[2] = fmax(v[0], v[2]);
	box[3] = fmax(v[1], v[3]);
	return true;
}

/* What @dict says for itself and, in the tree, for all pages below it. */
static void inherit(
	struct pdf *pdf, const struct obj *dict, const struct obj *ref, struct pdf_node *n)
{
	const struct obj *res = pdf_raw(dict, "Resources");
	struct obj rotate = pdf_get(pdf, dict, "Rotate");

	n->has_media = read_box(pdf, dict, "MediaBox", n->media) || n->has_media;
	n->has_crop = read_box(pdf, dict, "CropBox", n->crop) || n->has_crop;
	if (rotate.type == OBJ_INT || rotate.type == OBJ_REAL)
		n->rotate = (int)(pdf_int(&rotate, 0) % 360);
	if (!res || res->type == OBJ_NULL)
		return;
	n->of_node = res->type != OBJ_REF;
	n->resources = n->of_node ? *ref : *res;
}

static bool visit_once(struct walk *w, uint32_t num)
{
	bool seen = w->visited[num / 8] >> (num % 8) & 1;

	w->visited[num / 8] |= (uint8_t)(1 << (num % 8));
	return !seen;
}

static int push_node(struct walk *w, const struct obj *ref, const struct obj *dict, uint32_t parent)
{
	struct pdf_tree *t = w->tree;
	struct obj kids = pdf_get(w->pdf, dict, "Kids");

	if (w->depth >= TREE_DEPTH || t->nnodes >= NODES_MAX || kids.type != OBJ_ARRAY)
		return 0;
	if (ref->type == OBJ_REF && (ref->u.num >= w->pdf->nxref || !visit_once(w, ref->u.num)))
		return 0;
	if (!grow(&t->nodes, t->nnodes, &t->node_room, sizeof(*t->nodes)))
		return -ENOMEM;
	if (t->nnodes)
		t->nodes[t->nnodes] = t->nodes[parent];
	else
		t->nodes[0] = (struct pdf_node){.rotate = 0};
	inherit(w->pdf, dict, ref, &t->nodes[t->nnodes]);
	w->frames[w->depth++] = (struct frame){*ref, kids, 0, t->nnodes++};
	return 0;
}

static int add_leaf(struct walk *w, const struct obj *ref, uint32_t node)
{
	struct pdf_tree *t = w->tree;

	if (t->nleaves >= w->pdf->limits->pages) {
		w->pdf->budget.spent = true;
		return -EOVERFLOW;
	}
	if (!grow(&t->leaves, t->nleaves, &t->leaf_room, sizeof(*t->leaves)))
		return -ENOMEM;
	t->leaves[t->nleaves++] = (struct pdf_leaf){*ref, node};
	return 0;
}

static bool is_node(const struct obj *dict, const struct obj *type)
{
	return pdf_raw(dict, "Kids") != NULL && !pdf_name_is(type, "Page");
}

static int visit(struct walk *w, const struct obj *ref, uint32_t parent)
{
	struct obj dict = pdf_resolve(w->pdf, ref), type = pdf_get(w->pdf, &dict, "Type");

	if (dict.type != OBJ_DICT)
		return 0;
	/* A dictionary in the array itself cannot be loaded again: then nothing may be forgotten. */
	if (ref->type != OBJ_REF)
		w->pdf->keep = true;
	if (is_node(&dict, &type))
		return push_node(w, ref, &dict, parent);
	if (pdf_name_is(&type, "Pages"))
		return 0;
	return add_leaf(w, ref, parent);
}

/* Pages that were counted need not stay in memory; the arrays that we stand in do. */
static void forget_pages(struct walk *w)
{
	if (!pdf_forget(w->pdf))
		return;
	for (int i = 0; i < w->depth; i++) {
		struct obj dict = pdf_resolve(w->pdf, &w->frames[i].ref);

		w->frames[i].kids = pdf_get(w->pdf, &dict, "Kids");
		if (w->frames[i].kids.type != OBJ_ARRAY)
			w->frames[i].kids.len = 0;
	}
	w->pdf->floor = w->pdf->arena.total;
}

static int walk(struct walk *w, const struct obj *root)
{
	struct obj dict = pdf_resolve(w->pdf, root);
	int rc = push_node(w, root, &dict, 0);

	while (!rc && w->depth && !w->pdf->budget.out_of_time) {
		struct frame *f = &w->frames[w->depth - 1];

		if (f->next >= f->kids.len) {
			w->depth--;
			continue;
		}
		rc = visit(w, &f->kids.u.items[f->next++], f->node);
		forget_pages(w);
	}
	w->pdf->floor = 0;
	return rc;
}

/* A file without a page tree: every object that calls itself a page is one. */
static int take_all_pages(struct walk *w)
{
	int rc = 0;

	if (!w->tree->nnodes) {
		if (!grow(&w->tree->nodes, 0, &w->tree->node_room, sizeof(*w->tree->nodes)))
			return -ENOMEM;
		w->tree->nodes[w->tree->nnodes++] = (struct pdf_node){.rotate = 0};
	}
	for (uint32_t num = 1; !rc && num < w->pdf->nxref && !w->pdf->budget.out_of_time; num++) {
		struct obj ref = {.type = OBJ_REF, .u.num = num}, o, type;

		if (xref_kind(w->pdf->xref[num]) == XREF_UNSET ||
			xref_kind(w->pdf->xref[num]) == XREF_FREE)
			continue;
		o = pdf_load(w->pdf, num);
		type = pdf_get(w->pdf, &o, "Type");
		if (o.type == OBJ_DICT && pdf_name_is(&type, "Page"))
			rc = add_leaf(w, &ref, 0);
		pdf_forget(w->pdf);
	}
	return rc;
}

int pdf_tree_read(struct pdf *pdf, struct pdf_tree *tree)
{
	struct walk *w = calloc(1, sizeof(*w));
	struct obj root, null = {.type = OBJ_NULL};
	const struct obj *pages;
	int rc;

	*tree = (struct pdf_tree){.nleaves = 0};
	if (!w)
		return -ENOMEM;
	w->pdf = pdf;
	w->tree = tree;
	for (int attempt = 0; attempt < 2; attempt++) {
		root = pdf_get(pdf, &pdf->trailer, "Root");
		pages = pdf_raw(&root, "Pages");
		w->depth = 0;
		tree->nleaves = tree->nnodes = 0;
		free(w->visited);
		w->visited = calloc(1, pdf->nxref / 8 + 1);
		rc = w->visited ? walk(w, pages ? pages : &null) : -ENOMEM;
		/* An update of the table in the middle of the walk makes what was walked doubtful. */
		if (rc || (tree->nleaves && (attempt || !pdf->repaired)) ||
			!(pdf->repaired || pdf_repair(pdf)))
			break;
	}
	if (!rc && !tree->nleaves)
		rc = take_all_pages(w);
	free(w->visited);
	free(w);
	return rc;
}

void pdf_tree_fini(struct pdf_tree *tree)
{
	free(tree->leaves);
	free(tree->nodes);
}

struct obj pdf_leaf_resources(struct pdf *pdf, const struct pdf_tree *tree,
	const struct pdf_leaf *leaf, const struct obj *page)
{
	const struct pdf_node *n = &tree->nodes[leaf->inherits];
	struct obj res = pdf_get(pdf, page, "Resources");

	if (res.type == OBJ_DICT)
		return res;
	res = pdf_resolve(pdf, &n->resources);
	return n->of_node ? pdf_get(pdf, &res, "Resources") : res;
}

/* Return: false when the two have no area in common. */
static bool cut(double box[4], const double by[4])
{
	double v[4] = {
		fmax(box[0], by[0]), fmax(box[1], by[1]), fmin(box[2], by[2]), fmin(box[3], by[3])};

	if (v[2] - v[0] <= 0 || v[3] - v[1] <= 0)
		return false;
	memcpy(box, v, sizeof(v));
	return true;
}

void pdf_leaf_size(struct pdf *pdf, const struct pdf_tree *tree, const struct pdf_leaf *leaf,
	const struct obj *page, struct pdf_box *box, struct parse_page *out)
{
	static const double letter[4] = {0, 0, 612, 792};
	struct pdf_node n = tree->nodes[leaf->inherits];
	struct obj unit = pdf_get(pdf, page, "UserUnit");
	double scale = pdf_number(&unit, 1), w, h;

	inherit(pdf, page, &leaf->page, &n);
	if (!n.has_media)
		memcpy(n.media, letter, sizeof(letter));
	if (!n.has_crop || !cut(n.crop, n.media))
		memcpy(n.crop, n.media, sizeof(n.crop));
	*box = (struct pdf_box){n.crop[0], n.crop[1], n.crop[2], n.crop[3]};
	if (!(scale > 0 && scale < 1e6))
		scale = 1;
	w = (n.crop[2] - n.crop[0]) * scale;
	h = (n.crop[3] - n.crop[1]) * scale;
	out->width_pt = n.rotate % 180 ? h : w;
	out->height_pt = n.rotate % 180 ? w : h;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* PDFDocEncoding where it differs from Latin-1 (ISO 32000-2 D.2): 0x18..0x1f and 0x80..0xa0. */
static uint32_t doc_encoding(uint8_t c)
{
	static const uint16_t low[8] = {0x2d8, 0x2c7, 0x2c6, 0x2d9, 0x2dd, 0x2db, 0x2da, 0x2dc};
	static const uint16_t high[33] = {0x2022, 0x2020, 0x2021, 0x2026, 0x2014, 0x2013, 0x192,
		0x2044, 0x2039, 0x203a, 0x2212, 0x2030, 0x201e, 0x201c, 0x201d, 0x2018, 0x2019,
		0x201a, 0x2122, 0xfb01, 0xfb02, 0x141, 0x152, 0x160, 0x178, 0x17d, 0x131, 0x142,
		0x153, 0x161, 0x17e, ' ', 0x20ac};

	if (c >= 0x18 && c < 0x20)
		return low[c - 0x18];
	return c >= 0x80 && c <= 0xa0 ? high[c - 0x80] : c;
}

static size_t utf16_text(const uint8_t *p, size_t len, bool little, char *out, size_t room)
{
	size_t n = 0;

	for (size_t i = 2; i + 1 < len && n + 4 <= room; i += 2) {
		uint32_t c = little ? p[i] | p[i + 1] << 8 : p[i + 1] | p[i] << 8;

		if (c >= 0xd800 && c < 0xdc00 && i + 3 < len) {
			uint32_t d = little ? p[i + 2] | p[i + 3] << 8 : p[i + 3] | p[i + 2] << 8;

			if (d >= 0xdc00 && d < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
				i += 2;
			}
		}
		n += put_utf8(out + n, c);
	}
	return n;
}

static char *text_of(const struct obj *o)
{
	const uint8_t *p = (const uint8_t *)o->u.s;
	char buf[1024];
	size_t n = 0;

	if (o->type != OBJ_STRING)
		return NULL;
	if (o->len >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe)))
		n = utf16_text(p, o->len, p[0] == 0xff, buf, sizeof(buf));
	else if (o->len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		return result_clean_text(o->u.s + 3, o->len - 3);
	else
		for (size_t i = 0; i < o->len && n + 4 <= sizeof(buf); i++)
			n += put_utf8(buf + n, doc_encoding(p[i]));
	return result_clean_text(buf, n);
}

static void read_info(struct pdf *pdf, struct parse_result *r)
{
	struct obj info = pdf_get(pdf, &pdf->trailer, "Info"), o;

	o = pdf_get(pdf, &info, "Title");
	if (!r->title) /* what PJL said of it stands */
		r->title = text_of(&o);
	o = pdf_get(pdf, &info, "Producer");
	if (!r->producer)
		r->producer = text_of(&o);
}

static int read_pages(struct pdf *pdf, struct parse_result *r)
{
	struct pdf_tree tree;
	int rc = pdf_tree_read(pdf, &tree);

	if (!rc && tree.nleaves && !pdf->budget.out_of_time)
		rc = result_set_count(r, (int32_t)tree.nleaves);
	if (!rc && r->count > 0)
		rc = pdf_judge_pages(pdf, &tree, r);
	pdf_tree_fini(&tree);
	return rc;
}

int pdf_document(struct src *src, const struct parse_limits *limits, struct parse_result *r)
{
	struct pdf pdf;
	int rc = pdf_open(&pdf, src, limits);

	if (!rc) {
		read_info(&pdf, r);
		rc = read_pages(&pdf, r);
	}
	r->format = PARSE_FORMAT_PDF;
	if (pdf.damaged)
		r->flags |= PARSE_F_DAMAGED;
	if (pdf.crypt.on)
		r->flags |= PARSE_F_ENCRYPTED;
	if (pdf.password)
		r->flags |= PARSE_F_PASSWORD;
	if (pdf.budget.spent)
		r->flags |= PARSE_F_LIMIT;
	if (pdf.wants_jpx)
		r->flags |= PARSE_F_JPX;
	pdf_close(&pdf);
	return rc == -ENOMEM ? rc : 0;
}
