/* SPDX-License-Identifier: Apache-2.0 */
/* jpx - look at a JPEG 2000 picture's colours at the resolution of a 72 dpi page. */
#include "parse/jpx.h"
#include <dlfcn.h>
#include <math.h>
#include <openjpeg.h>
#include <string.h>

enum {
	OCTETS_MAX = 64 << 20,
	SAMPLES_MAX = 32 << 20, /* that are decoded, of all components */
	COMPONENTS = 4, /* that make a colour */
	HEAD = 8192,
};

#define LIBRARY "libopenjp2.so.7"

static struct {
	void *handle;
	bool forbidden;
	__typeof__(opj_create_decompress) *create;
	__typeof__(opj_destroy_codec) *destroy;
	__typeof__(opj_set_default_decoder_parameters) *defaults;
	__typeof__(opj_setup_decoder) *setup;
	__typeof__(opj_read_header) *read_header;
	__typeof__(opj_decode) *decode;
	__typeof__(opj_image_destroy) *image_destroy;
	__typeof__(opj_stream_create) *stream_create;
	__typeof__(opj_stream_destroy) *stream_destroy;
	__typeof__(opj_stream_set_read_function) *set_read;
	__typeof__(opj_stream_set_skip_function) *set_skip;
	__typeof__(opj_stream_set_seek_function) *set_seek;
	__typeof__(opj_stream_set_user_data) *set_user;
	__typeof__(opj_stream_set_user_data_length) *set_length;
} opj;

static bool resolve(void)
{
	const struct {
		const char *name;
		void *to;
	} names[] = {{"opj_create_decompress", &opj.create}, {"opj_destroy_codec", &opj.destroy},
		{"opj_set_default_decoder_parameters", &opj.defaults},
		{"opj_setup_decoder", &opj.setup}, {"opj_read_header", &opj.read_header},
		{"opj_decode", &opj.decode}, {"opj_image_destroy", &opj.image_destroy},
		{"opj_stream_create", &opj.stream_create},
		{"opj_stream_destroy", &opj.stream_destroy},
		{"opj_stream_set_read_function", &opj.set_read},
		{"opj_stream_set_skip_function", &opj.set_skip},
		{"opj_stream_set_seek_function", &opj.set_seek},
		{"opj_stream_set_user_data", &opj.set_user},
		{"opj_stream_set_user_data_length", &opj.set_length}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *found = dlsym(opj.handle, names[i].name);

		if (!found)
			return false;
		memcpy(names[i].to, &found, sizeof(found));
	}
	return true;
}

bool jpx_load(void)
{
	if (opj.handle || opj.forbidden)
		return opj.handle != NULL;
	opj.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (opj.handle && !resolve()) {
		dlclose(opj.handle);
		opj.handle = NULL;
	}
	return opj.handle != NULL;
}

void jpx_forbid(void)
{
	opj.forbidden = true;
}

/* The picture's octets, read by the decoder. */
struct octets {
	const uint8_t *p;
	size_t len, at;
};

static OPJ_SIZE_T on_read(void *to, OPJ_SIZE_T n, void *user)
{
	struct octets *o = user;
	size_t left = o->len - o->at;

	if (!left)
		return (OPJ_SIZE_T)-1;
	n = n < left ? n : left;
	memcpy(to, o->p + o->at, n);
	o->at += n;
	return n;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *user)
{
	struct octets *o = user;
	size_t left = o->len - o->at;

	if (n < 0)
		return -1;
	n = (uint64_t)n < left ? n : (OPJ_OFF_T)left;
	o->at += (size_t)n;
	return n;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *user)
{
	struct octets *o = user;

	if (to < 0 || (uint64_t)to > o->len)
		return OPJ_FALSE;
	o->at = (size_t)to;
	return OPJ_TRUE;
}

/* What the codestream's head says: 15444-1 A.5.1 (SIZ) and A.6.1 (COD). */
struct head {
	bool is_file; /* with boxes around the codestream */
	bool palette;
	uint32_t width, height;
	int components, levels;
};

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool read_head(const uint8_t *p, size_t n, struct head *h)
{
	const uint8_t *siz = memmem(p, n, "\xff\x4f\xff\x51", 4), *at, *end = p + n;

	*h = (struct head){.is_file = n > 8 && !memcmp(p + 4, "jP  ", 4)};
	if (!siz || end - siz < 42)
		return false;
	h->palette = memmem(p, (size_t)(siz - p), "pclr", 4) != NULL;
	h->width = word(siz + 8) - word(siz + 16);
	h->height = word(siz + 12) - word(siz + 20);
	h->components = siz[40] << 8 | siz[41];
	for (at = siz + 2; end - at >= 10 && at[0] == 0xff; at += 2 + (at[2] << 8 | at[3]))
		if (at[1] == 0x52) {
			h->levels = at[9];
			break;
		}
	return h->components > 0 && word(siz + 8) > word(siz + 16) &&
	       word(siz + 12) > word(siz + 20);
}

static uint8_t *read_all(struct stm *in, size_t *len)
{
	size_t room = 64 << 10, n = 0;
	uint8_t *p = malloc(room), *more;

	while (p) {
		n += stm_read(in, p + n, room - n);
		if (n < room)
			break;
		more = room < OCTETS_MAX ? realloc(p, room *= 2) : NULL;
		if (!more)
			free(p);
		p = more;
	}
	*len = n;
	return p;
}

static opj_image_t *run_decoder(opj_codec_t *codec, opj_stream_t *s, opj_dparameters_t *how)
{
	opj_image_t *image = NULL;

	if (opj.setup(codec, how) && opj.read_header(s, codec, &image) &&
		opj.decode(codec, s, image))
		return image;
	if (image)
		opj.image_destroy(image);
	return NULL;
}

static opj_image_t *decode(struct octets *o, const struct head *h, int reduce, bool raw_palette)
{
	opj_codec_t *codec = opj.create(h->is_file ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
	opj_stream_t *s = opj.stream_create(OPJ_J2K_STREAM_CHUNK_SIZE, OPJ_TRUE);
	opj_dparameters_t how;
	opj_image_t *image = NULL;

	opj.defaults(&how);
	how.cp_reduce = (OPJ_UINT32)reduce;
	if (raw_palette)
		how.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;
	if (codec && s) {
		opj.set_user(s, o, NULL);
		opj.set_length(s, o->len);
		opj.set_read(s, on_read);
		opj.set_skip(s, on_skip);
		opj.set_seek(s, on_seek);
		image = run_decoder(codec, s, &how);
	}
	if (s)
		opj.stream_destroy(s);
	if (codec)
		opj.destroy(codec);
	return image;
}

/* The components that make the colour, and the space that they are in. */
struct colours {
	const opj_image_comp_t *comps[COMPONENTS];
	const struct cs *cs;
	const double *decode;
	bool ycc;
	int n;
};

static bool choose(const opj_image_t *image, const struct jpx_look *look, struct colours *c)
{
	int all = 0;

	*c = (struct colours){.cs = look->cs, .decode = look->decode};
	for (uint32_t i = 0; i < image->numcomps && all < COMPONENTS; i++)
		if (!image->comps[i].alpha && image->comps[i].data && image->comps[i].w)
			c->comps[all++] = &image->comps[i];
	c->ycc = image->color_space == OPJ_CLRSPC_SYCC && all >= 3;
	if (!c->cs || c->cs->n > all) {
		c->decode = NULL;
		c->cs = image->color_space == OPJ_CLRSPC_GRAY || all < 3       ? &cs_gray
			: all == 4 && image->color_space == OPJ_CLRSPC_CMYK    ? &cs_cmyk
			: all == 4 && image->color_space == OPJ_CLRSPC_UNKNOWN ? &cs_cmyk
									       : &cs_rgb;
	}
	c->n = c->cs->n;
	return c->n > 0 && c->n <= all;
}

/* The sample of component @k that lies at @x, @y of the first one, as its space wants it. */
static double sample(const struct colours *c, int k, uint32_t x, uint32_t y)
{
	const opj_image_comp_t *comp = c->comps[k], *first = c->comps[0];
	uint32_t cx = comp->w == first->w ? x : (uint32_t)((uint64_t)x * comp->w / first->w);
	uint32_t cy = comp->h == first->h ? y : (uint32_t)((uint64_t)y * comp->h / first->h);
	double v = comp->data[(size_t)cy * comp->w + cx], top = exp2(comp->prec) - 1, range[2];

	if (comp->sgnd)
		v += exp2(comp->prec - 1);
	v = fmin(fmax(v, 0), top) / top;
	if (c->ycc)
		return v;
	cs_decode(c->cs, k, comp->prec < 16 ? (int)comp->prec : 16, range);
	if (c->decode) {
		range[0] = c->decode[2 * k];
		range[1] = c->decode[2 * k + 1];
	}
	return range[0] + v * (range[1] - range[0]);
}

static double chroma_at(
	const struct colours *c, const struct jpx_look *look, uint32_t x, uint32_t y)
{
	double v[FUNC_MAX] = {0}, cb, cr;

	for (int k = 0; k < c->n; k++)
		v[k] = sample(c, k, x, y);
	if (c->ycc) {
		cb = v[1] - 0.5;
		cr = v[2] - 0.5;
		v[1] = v[0] - 0.344 * cb - 0.714 * cr;
		v[2] = v[0] + 1.772 * cb;
		v[0] += 1.402 * cr;
	}
	return cs_chroma(c->cs, v, look->composite_colour);
}

static enum jpx_answer look_at(const opj_image_t *image, struct jpx_look *look)
{
	struct colours c;

	if (!choose(image, look, &c))
		return JPX_BROKEN;
	if (c.cs->never_colour)
		return JPX_GRAY;
	for (uint32_t y = 0; y < c.comps[0]->h; y++)
		for (uint32_t x = 0; x < c.comps[0]->w; x++) {
			double now = cells_show(look->shown, x, c.comps[0]->w, y, c.comps[0]->h)
					     ? chroma_at(&c, look, x, y)
					     : 0;

			if (now < 0)
				return JPX_BROKEN;
			look->top = now > look->top ? now : look->top;
			if (now > look->tolerance)
				return JPX_COLOUR;
		}
	return JPX_GRAY;
}

/* Resolutions that may be left out, for a picture element a point to stay. */
static int reduction(const struct jpx_look *look, const struct head *h)
{
	int n = 0;

	/* Numbers of colours are not to be mixed. */
	if (look->cs && look->cs->kind == CS_INDEXED)
		return 0;
	for (double s = look->scale; s >= 2 && n < h->levels && n < 16; s /= 2)
		n++;
	return n;
}

enum jpx_answer jpx_look(struct stm *in, struct jpx_look *look)
{
	AUTO(auto_free) uint8_t *p = NULL;
	struct octets o = {NULL};
	enum jpx_answer answer;
	struct head h;
	opj_image_t *image;
	int reduce;

	look->top = 0;
	p = read_all(in, &o.len);
	o.p = p;
	if (!p || !read_head(p, o.len < HEAD ? o.len : HEAD, &h))
		return JPX_BROKEN;
	if (h.components == 1 && !h.palette && (!look->cs || look->cs->never_colour))
		return JPX_GRAY;
	reduce = reduction(look, &h);
	if (((double)h.width * h.height * h.components) / exp2(2 * reduce) > SAMPLES_MAX)
		return JPX_BROKEN;
	if (!jpx_load())
		return JPX_NO_DECODER;
	image = decode(&o, &h, reduce, look->cs && look->cs->kind == CS_INDEXED);
	if (!image)
		return JPX_BROKEN;
	answer = look_at(image, look);
	opj.image_destroy(image);
	return answer;
}
