/* SPDX-License-Identifier: Apache-2.0 */
/* pdf - a PDF document as objects: ISO 32000-2 clause 7.
 *
 * Objects live in an arena and stay valid until pdf_forget(), which is called between pages.
 * Nothing here draws or judges colour; see pdf_page.h. */
#pragma once

#include "parse/arena.h"
#include "parse/parse.h"
#include "parse/src.h"
#include "parse/stm.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum obj_type {
	OBJ_NULL,
	OBJ_BOOL,
	OBJ_INT,
	OBJ_REAL,
	OBJ_NAME,
	OBJ_STRING,
	OBJ_ARRAY,
	OBJ_DICT,
	OBJ_STREAM,
	OBJ_REF,
	OBJ_KEYWORD, /* inside the parser alone */
	OBJ_END, /* the same: nothing more to read */
};

struct pdf_stream;

struct obj {
	uint8_t type;
	uint32_t len; /* octets, items, or pairs of a dictionary; the generation of a reference */
	union {
		bool b;
		int64_t i;
		double r;
		const char *s; /* NUL follows; may hold NULs itself */
		const struct obj *items; /* a dictionary: key, value, key, value */
		const struct pdf_stream *stream;
		uint32_t num;
	} u;
};

struct pdf_stream {
	struct obj dict;
	uint64_t off; /* where its octets begin */
	uint32_t num, gen; /* for decryption */
};

enum { OBJ_DEPTH = 64, PDF_FILTERS = 4 };

struct pdf_cipher {
	enum { CIPHER_NONE, CIPHER_RC4, CIPHER_AES128, CIPHER_AES256 } kind;
};

struct pdf_crypt {
	bool on;
	uint8_t key[32];
	size_t key_len;
	struct pdf_cipher streams, strings;
	uint32_t self; /* the number of the Encrypt dictionary, which is not encrypted */
};

struct pdf_cached_stream {
	uint32_t num;
	uint64_t used;
	uint8_t *data;
	size_t len, first;
	uint32_t n;
	uint32_t *index; /* n pairs: number, offset */
};

enum { PDF_OBJSTMS = 16 };

struct obj_slot {
	uint32_t num;
	bool busy; /* being loaded: a reference back to it reads as null */
	struct obj o;
};

struct pdf {
	struct src *src;
	const struct parse_limits *limits;
	struct budget budget;
	struct arena arena;
	size_t floor; /* octets of it that would be loaded again at once */
	uint64_t base; /* where %PDF begins: offsets in the file count from there */
	uint64_t *xref;
	uint32_t nxref;
	struct obj trailer;
	struct arena trailer_arena;
	struct pdf_crypt crypt;
	bool repaired, damaged, password, keep; /* keep: pdf_forget() must not */
	bool wants_jpx; /* a picture could not be judged for want of its decoder */
	struct obj *stack; /* values of the composite being read */
	size_t nstack, stack_room;
	struct obj_slot *slots; /* hash of loaded objects, a power of two of them */
	uint32_t nslots, slots_used;
	struct pdf_cached_stream objstms[PDF_OBJSTMS];
	uint64_t clock;
	int depth;
};

/* A value of the cross-reference table: what and where. */
enum xref_kind { XREF_UNSET, XREF_FILE, XREF_OBJSTM, XREF_FREE };
static inline uint64_t xref_make(enum xref_kind kind, uint64_t where)
{
	return (uint64_t)kind << 62 | (where & ~(3ull << 62));
}
static inline enum xref_kind xref_kind(uint64_t e)
{
	return (enum xref_kind)(e >> 62);
}
static inline uint64_t xref_where(uint64_t e) /* offset, or objstm << 24 | index */
{
	return e & ~(3ull << 62);
}

/* pdf_obj.c */

/** What a reader of objects stands on: the stream, and whose key its strings have. */
struct pdf_lex {
	struct pdf *pdf;
	struct stm *in;
	struct arena *arena;
	uint32_t num, gen; /* 0: strings are not encrypted */
};

/** pdf_lex_object() - the next object; OBJ_KEYWORD for a word like endobj, OBJ_END at the end */
struct obj pdf_lex_object(struct pdf_lex *lx);
bool pdf_lex_is(const struct obj *o, const char *keyword);

struct obj pdf_load(struct pdf *pdf, uint32_t num);
struct obj pdf_resolve(struct pdf *pdf, const struct obj *o);
const struct obj *pdf_raw(const struct obj *dict, const char *key); /* unresolved; NULL if absent */
struct obj pdf_get(struct pdf *pdf, const struct obj *dict, const char *key);
struct obj pdf_get2(
	struct pdf *pdf, const struct obj *dict, const char *key, const char *abbreviation);
struct obj pdf_at(struct pdf *pdf, const struct obj *array, uint32_t i);
bool pdf_name_is(const struct obj *o, const char *name);
double pdf_number(const struct obj *o, double otherwise);
int64_t pdf_int(const struct obj *o, int64_t otherwise);
/** pdf_numbers() - up to @max numbers of @array. Return: how many there are. */
uint32_t pdf_numbers(struct pdf *pdf, const struct obj *array, double *out, uint32_t max);
/** pdf_forget() - between pages: give memory back when much is in use. Return: whether it did. */
bool pdf_forget(struct pdf *pdf);

/* pdf_xref.c, pdf_repair.c */

/** pdf_open() - read the cross-reference table, or rebuild it
 * Return: 0; -EBADMSG when there is no document to be found; -EACCES for a password; -ENOMEM. */
int pdf_open(struct pdf *pdf, struct src *src, const struct parse_limits *limits);
void pdf_close(struct pdf *pdf);
/** pdf_repair() - rebuild the table from the objects that are there; once per document */
bool pdf_repair(struct pdf *pdf);
bool pdf_xref_set(struct pdf *pdf, uint32_t num, uint64_t entry);
/** pdf_read_head() - the object at @off of the file: number, generation and value
 * @to: the arena for it. Return: false when no object begins there. */
bool pdf_read_head(struct pdf *pdf, uint64_t off, struct arena *to, uint32_t *num, struct obj *out);

/* pdf_crypt.c */
int pdf_crypt_open(struct pdf *pdf);
/** pdf_crypt_string() - decrypt in place. Return: the length that is left. */
size_t pdf_crypt_string(const struct pdf *pdf, uint32_t num, uint32_t gen, uint8_t *p, size_t len);
struct stm *pdf_crypt_stream(struct pdf *pdf, uint32_t num, uint32_t gen, struct stm *below);

/* pdf_stream.c */

enum pdf_codec { CODEC_NONE, CODEC_DCT, CODEC_JPX, CODEC_CCITT, CODEC_JBIG2, CODEC_UNKNOWN };

/** pdf_stream_open() - the decoded octets of @o
 * @codec: receives the picture codec that is left undone, CODEC_NONE if none
 * @parms: receives that codec's DecodeParms; may be NULL
 * Return: a stream to be closed before pdf_forget(), or NULL. */
struct stm *pdf_stream_open(
	struct pdf *pdf, const struct obj *o, enum pdf_codec *codec, struct obj *parms);
/** pdf_filters() - stack the filters that @dict names onto @raw, which is closed on failure */
struct stm *pdf_filters(struct pdf *pdf, const struct obj *dict, struct stm *raw,
	enum pdf_codec *codec, struct obj *parms);
/** pdf_slurp() - decode @o whole, at most @max octets. Return: malloc()ed octets, or NULL. */
uint8_t *pdf_slurp(struct pdf *pdf, const struct obj *o, size_t max, size_t *len);

/* pdf_doc.c */

struct pdf_leaf {
	struct obj page; /* a reference; a dictionary in odd files */
	uint32_t inherits; /* index into @nodes */
};

struct pdf_node {
	struct obj resources; /* a reference; to the node itself where of_node */
	bool of_node;
	bool has_media, has_crop;
	int rotate;
	double media[4], crop[4];
};

struct pdf_tree {
	struct pdf_leaf *leaves;
	uint32_t nleaves, leaf_room;
	struct pdf_node *nodes;
	uint32_t nnodes, node_room;
};

struct pdf_box {
	double x0, y0, x1, y1; /* CropBox cut to MediaBox, in user space */
};

/** pdf_tree_read() - find all pages. Return: 0, -EOVERFLOW for more than the limit, -ENOMEM. */
int pdf_tree_read(struct pdf *pdf, struct pdf_tree *tree);
void pdf_tree_fini(struct pdf_tree *tree);
struct obj pdf_leaf_resources(struct pdf *pdf, const struct pdf_tree *tree,
	const struct pdf_leaf *leaf, const struct obj *page);
void pdf_leaf_size(struct pdf *pdf, const struct pdf_tree *tree, const struct pdf_leaf *leaf,
	const struct obj *page, struct pdf_box *box, struct parse_page *out);
/** pdf_document() - all of it: parse_document() for a PDF. Return: 0 or -ENOMEM. */
int pdf_document(struct src *src, const struct parse_limits *limits, struct parse_result *r);
