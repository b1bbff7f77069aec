/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_stream - stack the filters of a stream: ISO 32000-2 7.4. */
#include "parse/pdf.h"
#include <string.h>

enum { SEARCH_CHUNK = 4096 };

static const struct {
	const char *name, *abbreviation;
	enum { F_FLATE, F_LZW, F_A85, F_AHX, F_RL, F_CRYPT, F_CODEC } kind;
	enum pdf_codec codec;
} filters[] = {
	{"FlateDecode", "Fl", F_FLATE, CODEC_NONE},
	{"LZWDecode", "LZW", F_LZW, CODEC_NONE},
	{"ASCII85Decode", "A85", F_A85, CODEC_NONE},
	{"ASCIIHexDecode", "AHx", F_AHX, CODEC_NONE},
	{"RunLengthDecode", "RL", F_RL, CODEC_NONE},
	{"Crypt", "Crypt", F_CRYPT, CODEC_NONE},
	{"DCTDecode", "DCT", F_CODEC, CODEC_DCT},
	{"JPXDecode", "JPX", F_CODEC, CODEC_JPX},
	{"CCITTFaxDecode", "CCF", F_CODEC, CODEC_CCITT},
	{"JBIG2Decode", "JBIG2", F_CODEC, CODEC_JBIG2},
};

static struct stm *predictor(struct pdf *pdf, struct stm *s, const struct obj *parms)
{
	struct obj p = pdf_get(pdf, parms, "Predictor"), c = pdf_get(pdf, parms, "Colors");
	struct obj b = pdf_get(pdf, parms, "BitsPerComponent"), w = pdf_get(pdf, parms, "Columns");
	int64_t v[4] = {pdf_int(&p, 1), pdf_int(&c, 1), pdf_int(&b, 8), pdf_int(&w, 1)};

	for (int i = 0; i < 4; i++)
		if (v[i] < 0 || v[i] > INT32_MAX)
			v[i] = 0;
	return stm_new_predictor(
		s, &(struct stm_predictor){(int)v[0], (int)v[1], (int)v[2], (int)v[3]});
}

/* One filter more. Return: the stack with it, or NULL: @s is closed then. */
static struct stm *add_filter(struct pdf *pdf, struct stm *s, const struct obj *name,
	const struct obj *parms, enum pdf_codec *codec)
{
	struct obj early;

	for (size_t i = 0; name->type == OBJ_NAME && i < sizeof(filters) / sizeof(filters[0]);
		i++) {
		if (!pdf_name_is(name, filters[i].name) &&
			!pdf_name_is(name, filters[i].abbreviation))
			continue;
		switch (filters[i].kind) {
		case F_FLATE:
			s = stm_new_flate(s);
			return s ? predictor(pdf, s, parms) : NULL;
		case F_LZW:
			early = pdf_get(pdf, parms, "EarlyChange");
			s = stm_new_lzw(s, pdf_int(&early, 1) != 0);
			return s ? predictor(pdf, s, parms) : NULL;
		case F_A85:
			return stm_new_ascii85(s);
		case F_AHX:
			return stm_new_asciihex(s);
		case F_RL:
			return stm_new_runlength(s);
		case F_CRYPT: /* seen to when the stream was opened */
			return s;
		case F_CODEC:
			*codec = filters[i].codec;
			return s;
		}
	}
	*codec = CODEC_UNKNOWN;
	return s;
}

struct stm *pdf_filters(struct pdf *pdf, const struct obj *dict, struct stm *raw,
	enum pdf_codec *codec, struct obj *parms)
{
	struct obj filter = pdf_get2(pdf, dict, "Filter", "F"),
		   all = pdf_get2(pdf, dict, "DecodeParms", "DP");
	uint32_t n = filter.type == OBJ_ARRAY ? filter.len : filter.type == OBJ_NAME;
	struct stm *s = raw;

	*codec = CODEC_NONE;
	if (n > PDF_FILTERS) {
		pdf->budget.spent = true;
		stm_close(s);
		return NULL;
	}
	for (uint32_t i = 0; s && i < n; i++) {
		struct obj name = filter.type == OBJ_ARRAY ? pdf_at(pdf, &filter, i) : filter;
		struct obj p = all.type == OBJ_ARRAY ? pdf_at(pdf, &all, i) : all;

		if (*codec != CODEC_NONE) /* a codec that is not last: nobody can read that */
			*codec = CODEC_UNKNOWN;
		else
			s = add_filter(pdf, s, &name, &p, codec);
		if (parms)
			*parms = p;
	}
	return s;
}

/* Where "endstream" stands after @off: for streams whose Length is absent or lies. */
static uint64_t find_end(struct pdf *pdf, uint64_t off)
{
	uint8_t buf[SEARCH_CHUNK + 16];
	uint64_t at = off;

	while (budget_look(&pdf->budget)) {
		size_t n = src_read(pdf->src, at, buf, sizeof(buf));
		uint8_t *hit = memmem(buf, n, "endstream", 9);

		if (hit)
			return at + (uint64_t)(hit - buf);
		if (n < sizeof(buf))
			return at + n;
		at += SEARCH_CHUNK;
	}
	return at;
}

static uint64_t stream_length(struct pdf *pdf, const struct pdf_stream *st)
{
	struct obj o = pdf_get(pdf, &st->dict, "Length");
	uint64_t size = src_size(pdf->src), len = (uint64_t)pdf_int(&o, -1);
	uint8_t after[16];
	size_t n;

	if (o.type == OBJ_INT && st->off <= size && len <= size - st->off) {
		n = src_read(pdf->src, st->off + len, after, sizeof(after));
		for (size_t i = 0; i + 9 <= n && i < 4; i++)
			if (!memcmp(after + i, "endstream", 9))
				return len;
		if (n >= 6 && memmem(after, n, "endobj", 6))
			return len;
	}
	return find_end(pdf, st->off) - st->off;
}

static bool wants_no_cipher(struct pdf *pdf, const struct obj *o)
{
	struct obj filter = pdf_get(pdf, o, "Filter"), parms = pdf_get(pdf, o, "DecodeParms"), name,
		   type;

	type = pdf_get(pdf, o, "Type");
	if (pdf_name_is(&type, "XRef"))
		return true;
	if (filter.type == OBJ_ARRAY) {
		filter = pdf_at(pdf, &filter, 0);
		parms = parms.type == OBJ_ARRAY ? pdf_at(pdf, &parms, 0) : parms;
	}
	name = pdf_get(pdf, &parms, "Name");
	return pdf_name_is(&filter, "Crypt") &&
	       (name.type != OBJ_NAME || pdf_name_is(&name, "Identity"));
}

struct stm *pdf_stream_open(
	struct pdf *pdf, const struct obj *o, enum pdf_codec *codec, struct obj *parms)
{
	const struct pdf_stream *st = o->u.stream;
	struct stm *s;

	*codec = CODEC_NONE;
	if (o->type != OBJ_STREAM || pdf->budget.out_of_time)
		return NULL;
	/* Its octets may be in another file: nobody opens that. */
	if (pdf_raw(o, "F"))
		return NULL;
	s = stm_new_file(pdf->src, st->off, stream_length(pdf, st), &pdf->budget);
	if (s && pdf->crypt.on && !wants_no_cipher(pdf, o))
		s = pdf_crypt_stream(pdf, st->num, st->gen, s);
	return s ? pdf_filters(pdf, &st->dict, s, codec, parms) : NULL;
}

uint8_t *pdf_slurp(struct pdf *pdf, const struct obj *o, size_t max, size_t *len)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *s = pdf_stream_open(pdf, o, &codec, NULL);
	size_t room = 16 << 10, n = 0, got;
	uint8_t *p = s && codec == CODEC_NONE ? malloc(room) : NULL;

	while (p) {
		got = stm_read(s, p + n, room - n);
		n += got;
		if (n < room || room >= max)
			break;
		uint8_t *more = realloc(p, 2 * room);

		if (!more)
			free(p);
		p = more;
		room *= 2;
	}
	*len = n;
	return p;
}
