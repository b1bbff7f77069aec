/* SPDX-License-Identifier: Apache-2.0 */
/* inspect - stillprint-ticket --inspect as a program of its own, for the tests and the bench. */
#include "parse/parse.h"
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		AUTO(auto_close) int fd = open(argv[i], O_RDONLY | O_CLOEXEC);

		if (argc > 2)
			printf("# %s\n", argv[i]);
		fflush(stdout);
		if (fd < 0 || parse_sandboxed(fd, NULL, &r) || r->count < 0) {
			fprintf(stderr, "%s: refused %x\n", argv[i], r ? r->flags : 0);
			continue;
		}
		for (int k = 0; k < r->count; k++)
			printf("%d\t%s\t%s\t%.2f\t%.2f\n", k + 1,
				parse_colour_name(r->pages[k].colour),
				parse_how_name(r->pages[k].how), r->pages[k].width_pt,
				r->pages[k].height_pt);
	}
}
