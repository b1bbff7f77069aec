/* SPDX-License-Identifier: Apache-2.0 */
/* mutate - run a fuzz target over files, each cut at places and with single octets changed.
 *
 * usage: mutate CUTS MUTATIONS FILE...   CUTS: of each file; MUTATIONS: in all, spread over the files.
 * The same numbers give the same documents on every run. Exits 0 when every document was survived. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint8_t *slurp(const char *name, size_t *len)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *p;

	if (fd < 0 || fstat(fd, &st)) {
		perror(name);
		exit(2);
	}
	p = malloc((size_t)st.st_size + 1);
	*len = p ? (size_t)read(fd, p, (size_t)st.st_size) : 0;
	close(fd);
	return p;
}

/* A copy of its own size, so that a sanitizer sees a read behind its end. */
static void run(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, p, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned long cuts = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, done = 0;
	unsigned long each =
		argc > 3 ? strtoul(argv[2], NULL, 10) / (unsigned long)(argc - 3) + 1 : 0;

	for (int i = 3; i < argc; i++) {
		size_t len;
		uint8_t *p = slurp(argv[i], &len);

		for (unsigned long k = 0; k <= cuts; k++, done++)
			run(p, len * k / (cuts ? cuts : 1));
		for (unsigned long k = 0; len && each > 1 && k < each; k++, done++) {
			size_t at = next() % len;
			uint8_t was = p[at];

			p[at] = (uint8_t)next();
			run(p, len);
			p[at] = was;
		}
		free(p);
	}
	printf("%lu documents survived\n", done);
	return 0;
}
