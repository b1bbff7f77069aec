/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_page - judge the pages of a PDF: size, colour, blank or not. */
#include "parse/pdf_page.h"

int pdf_judge_pages(struct pdf *pdf, const struct pdf_tree *tree, struct parse_result *r)
{
	for (uint32_t i = 0; i < tree->nleaves; i++) {
		struct obj page = pdf_resolve(pdf, &tree->leaves[i].page);
		struct pdf_box box;

		pdf_leaf_size(pdf, tree, &tree->leaves[i], &page, &box, &r->pages[i]);
		pdf_forget(pdf);
	}
	return 0;
}
