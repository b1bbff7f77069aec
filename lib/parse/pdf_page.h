/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_page - judge the pages of a PDF: size, colour, blank or not. */
#pragma once

#include "parse/pdf.h"

/** pdf_judge_pages() - fill @r->pages, one for each leaf of @tree
 * Return: 0 or -ENOMEM; time that ran out leaves the rest unknown. */
int pdf_judge_pages(struct pdf *pdf, const struct pdf_tree *tree, struct parse_result *r);
