/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_calc - PostScript calculator functions: ISO 32000-2 7.10.5. */
#pragma once

#include "parse/pdf.h"

struct calc;

struct calc *calc_load(struct pdf *pdf, const struct obj *o);
bool calc_eval(const struct calc *c, const double *in, int m, double *out, int n);
