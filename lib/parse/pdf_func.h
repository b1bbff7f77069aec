/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_func - functions of a PDF: sampled, exponential, stitching, calculator (ISO 32000-2 7.10). */
#pragma once

#include "parse/pdf.h"

enum { FUNC_MAX = 32 }; /* inputs, and outputs: the limit of DeviceN */

struct func;

/** func_load() - read @o, a function or an array of them with one output each
 * Return: the function, in the document's arena; NULL if it cannot be understood. */
struct func *func_load(struct pdf *pdf, const struct obj *o);

int func_inputs(const struct func *f);
int func_outputs(const struct func *f);

/** func_eval() - @in has func_inputs() numbers, @out receives func_outputs(), at most FUNC_MAX
 * Return: false when a calculator program fails. */
bool func_eval(const struct func *f, const double *in, double *out);
