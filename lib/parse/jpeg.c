/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg - look at a JPEG's colours at the resolution of a 72 dpi page. */
#include "parse/jpeg.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* After stdio.h, which it needs and does not include. */
#include <jpeglib.h>

enum { SCANS_MAX = 64, SIDE_MAX = 65500, CHROMA_SURE = 6, COEFFICIENTS_MAX = 100 << 20 };

struct decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr error;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	struct stm *in;
	jmp_buf failed;
	JOCTET end[2];
};

static void on_error(j_common_ptr jpeg)
{
	longjmp(((struct decoder *)jpeg->client_data)->failed, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
	/* Warnings are counted by nobody: what can be decoded is looked at. */
	(void)jpeg;
	(void)level;
}

static void on_output(j_common_ptr jpeg)
{
	(void)jpeg;
}

/* A progressive file may have scan upon scan over the same blocks: that is how bombs are made. */
static void on_progress(j_common_ptr jpeg)
{
	struct decoder *d = jpeg->client_data;

	if (d->jpeg.input_scan_number > SCANS_MAX || !budget_look(d->in->budget))
		longjmp(d->failed, 1);
}

static void source_init(j_decompress_ptr jpeg)
{
	(void)jpeg;
}

static boolean source_fill(j_decompress_ptr jpeg)
{
	struct decoder *d = jpeg->client_data;

	if (stm_fill(d->in)) {
		d->source.next_input_byte = d->in->p;
		d->source.bytes_in_buffer = (size_t)(d->in->end - d->in->p);
		d->in->p = d->in->end;
	} else { /* a truncated picture ends here */
		d->source.next_input_byte = d->end;
		d->source.bytes_in_buffer = 2;
	}
	return TRUE;
}

static void source_skip(j_decompress_ptr jpeg, long n)
{
	struct decoder *d = jpeg->client_data;

	if (n <= 0)
		return;
	if ((size_t)n <= d->source.bytes_in_buffer) {
		d->source.next_input_byte += n;
		d->source.bytes_in_buffer -= (size_t)n;
		return;
	}
	stm_skip(d->in, (size_t)n - d->source.bytes_in_buffer);
	source_fill(jpeg);
}

static void init(struct decoder *d, struct stm *in)
{
	memset(d, 0, sizeof(*d));
	d->in = in;
	d->end[0] = 0xff;
	d->end[1] = JPEG_EOI;
	d->jpeg.err = jpeg_std_error(&d->error);
	d->error.error_exit = on_error;
	d->error.emit_message = on_message;
	d->error.output_message = on_output;
	d->jpeg.client_data = d;
	d->progress.progress_monitor = on_progress;
	d->source.init_source = source_init;
	d->source.fill_input_buffer = source_fill;
	d->source.skip_input_data = source_skip;
	d->source.resync_to_restart = jpeg_resync_to_restart;
	d->source.term_source = source_init;
}

static void start(struct decoder *d)
{
	jpeg_create_decompress(&d->jpeg);
	d->jpeg.client_data = d;
	d->jpeg.src = &d->source;
	d->jpeg.progress = &d->progress;
}

static uint32_t density(const struct decoder *d)
{
	double unit = d->jpeg.density_unit == 1 ? 1 : d->jpeg.density_unit == 2 ? 2.54 : 0;

	return (uint32_t)(d->jpeg.X_density * unit + 0.5);
}

static void note_header(const struct decoder *d, struct jpeg_look *look)
{
	look->width = d->jpeg.image_width;
	look->height = d->jpeg.image_height;
	look->components = d->jpeg.num_components;
	look->dpi = density(d);
}

bool jpeg_size(struct stm *in, struct jpeg_look *look)
{
	struct decoder d;

	init(&d, in);
	if (setjmp(d.failed)) {
		jpeg_destroy_decompress(&d.jpeg);
		return false;
	}
	start(&d);
	jpeg_read_header(&d.jpeg, TRUE);
	note_header(&d, look);
	jpeg_destroy_decompress(&d.jpeg);
	return true;
}

static double clamp(double v)
{
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

static double ycc_chroma(int y, int cb, int cr)
{
	double r = clamp(y + 1.402 * cr), g = clamp(y - 0.344136 * cb - 0.714136 * cr),
	       b = clamp(y + 1.772 * cb);

	return fmax(r, fmax(g, b)) - fmin(r, fmin(g, b));
}

static void look_at_ycc(const JSAMPLE *row, uint32_t n, struct jpeg_look *look)
{
	for (uint32_t i = 0; i < n; i++, row += 3) {
		int cb = row[1] - 128, cr = row[2] - 128;
		double c;

		if (cb <= CHROMA_SURE && cb >= -CHROMA_SURE && cr <= CHROMA_SURE &&
			cr >= -CHROMA_SURE)
			continue;
		c = ycc_chroma(row[0], cb, cr);
		look->top = c > look->top ? c : look->top;
	}
}

static void look_at_any(
	const JSAMPLE *row, uint32_t n, int components, const struct cs *cs, struct jpeg_look *look)
{
	double v[4] = {0}, r[2], c = 0;
	const JSAMPLE *last = NULL;

	for (uint32_t i = 0; i < n; i++, row += components) {
		if (last && !memcmp(last, row, (size_t)components))
			continue;
		last = row;
		for (int k = 0; k < components; k++) {
			cs_decode(cs, k, 8, r);
			if (look->decode) {
				r[0] = look->decode[2 * k];
				r[1] = look->decode[2 * k + 1];
			}
			v[k] = r[0] + row[k] * (r[1] - r[0]) / 255;
		}
		c = cs_chroma(cs, v, look->composite_colour);
		look->top = c > look->top ? c : look->top;
	}
}

/* The largest reduction that still gives a picture element for each point. */
static unsigned int reduction(double scale)
{
	return scale >= 8 ? 8 : scale >= 4 ? 4 : scale >= 2 ? 2 : 1;
}

/* The space of the components: the document's if it fits, else the one their number says. */
static const struct cs *space_for(const struct jpeg_look *look, int components)
{
	if (look->cs && look->cs->n == components)
		return look->cs;
	return components == 1 ? &cs_gray : components == 3 ? &cs_rgb : &cs_cmyk;
}

static void choose_output(struct decoder *d, const struct jpeg_look *look, const struct cs *cs)
{
	bool ycc;

	if (d->jpeg.num_components == 3 && look->no_transform && !d->jpeg.saw_Adobe_marker)
		d->jpeg.jpeg_color_space = JCS_RGB;
	ycc = d->jpeg.jpeg_color_space == JCS_YCbCr && cs->kind == CS_RGB && !look->decode;
	d->jpeg.out_color_space = d->jpeg.num_components == 1   ? JCS_GRAYSCALE
				  : d->jpeg.num_components == 4 ? JCS_CMYK
				  : ycc                         ? JCS_YCbCr
								: JCS_RGB;
	d->jpeg.scale_num = 1;
	d->jpeg.scale_denom = cs->kind == CS_INDEXED ? 1 : reduction(look->scale);
	d->jpeg.do_fancy_upsampling = FALSE;
	d->jpeg.dct_method = JDCT_IFAST;
}

static void look_at(const struct decoder *d, const JSAMPLE *row, uint32_t n, const struct cs *cs,
	struct jpeg_look *look)
{
	if (d->jpeg.out_color_space == JCS_YCbCr)
		look_at_ycc(row, n, look);
	else
		look_at_any(row, n, d->jpeg.output_components, cs, look);
}

/* The row that was read last, or the parts of it that show. */
static void look_at_row(
	const struct decoder *d, const JSAMPLE *row, const struct cs *cs, struct jpeg_look *look)
{
	uint32_t width = d->jpeg.output_width, y = d->jpeg.output_scanline - 1, from = 0;

	if (!look->shown) {
		look_at(d, row, width, cs, look);
		return;
	}
	for (uint32_t i = 0; i < CELLS; i++) {
		/* The first element of the next cell. */
		uint32_t to = (uint32_t)(((uint64_t)(i + 1) * width + CELLS - 1) / CELLS);

		if (look->shown->on[cell_of(y, d->jpeg.output_height)][i] && to > from)
			look_at(d, row + (size_t)from * (size_t)d->jpeg.output_components,
				to - from, cs, look);
		from = to;
	}
}

enum jpeg_answer jpeg_look(struct stm *in, struct jpeg_look *look)
{
	struct decoder d;
	const struct cs *cs;
	JSAMPARRAY row;
	/* Changed after setjmp() and read after longjmp(). */
	volatile bool seen = false, header = false;

	init(&d, in);
	look->top = 0;
	if (setjmp(d.failed)) {
		jpeg_destroy_decompress(&d.jpeg);
		if (look->top > look->tolerance)
			return JPEG_COLOUR;
		return seen ? JPEG_GRAY : header ? JPEG_BROKEN : JPEG_NONE;
	}
	start(&d);
	jpeg_read_header(&d.jpeg, TRUE);
	header = true;
	note_header(&d, look);
	cs = space_for(look, d.jpeg.num_components);
	if (d.jpeg.num_components == 2 || d.jpeg.num_components > 4 ||
		d.jpeg.image_width > SIDE_MAX)
		longjmp(d.failed, 1);
	/* Such a file is held in memory whole, at two octets a sample. */
	if (jpeg_has_multiple_scans(&d.jpeg) && (uint64_t)d.jpeg.image_width * d.jpeg.image_height *
								(uint64_t)d.jpeg.num_components >
							COEFFICIENTS_MAX)
		longjmp(d.failed, 1);
	choose_output(&d, look, cs);
	if (!cs->never_colour) {
		jpeg_start_decompress(&d.jpeg);
		row = d.jpeg.mem->alloc_sarray((j_common_ptr)&d.jpeg, JPOOL_IMAGE,
			d.jpeg.output_width * (JDIMENSION)d.jpeg.output_components, 1);
		while (d.jpeg.output_scanline < d.jpeg.output_height &&
			look->top <= look->tolerance) {
			jpeg_read_scanlines(&d.jpeg, row, 1);
			seen = true;
			look_at_row(&d, row[0], cs, look);
		}
	}
	jpeg_destroy_decompress(&d.jpeg);
	return look->top > look->tolerance ? JPEG_COLOUR : JPEG_GRAY;
}
