/* SPDX-License-Identifier: Apache-2.0 */
/* unseal - the daemon's side of the spool, for tests of the backend: make a key pair, open what was stored.
 *
 * usage: unseal keys SECRET PUBLIC          write a new pair: both halves, and intake.pub
 *        unseal show SECRET FILE            envelope and ticket as "env NAME VALUE" and "ticket NAME VALUE"
 *        unseal document SECRET FILE        the document to stdout */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/envelope.h"
#include "core/seal.h"
#include "core/ticket.h"
#include "core/wire.h"

static int fail(const char *what, int rc)
{
	fprintf(stderr, "unseal: %s: %d\n", what, rc);
	return 1;
}

static int make_keys(const char *secret, const char *public)
{
	AUTO(auto_close) int fd = open(secret, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct seal_pair pair;

	if (fd < 0 || seal_pair_new(&pair) || write(fd, &pair, sizeof(pair)) != sizeof(pair) ||
		seal_public_write(public, pair.public_key))
		return fail("keys", -errno);
	return 0;
}

static void show(const char *whose, const void *octets, size_t count)
{
	AUTO(wire_deletep) ipp_t *ipp = NULL;

	if (wire_decode(octets, count, &ipp))
		return;
	for (ipp_attribute_t *a = ippFirstAttribute(ipp); a; a = ippNextAttribute(ipp)) {
		char text[4096];

		if (ippGetGroupTag(a) != IPP_TAG_JOB)
			continue;
		ippAttributeString(a, text, sizeof(text));
		if (ippGetValueTag(a) ==
			IPP_TAG_NAME) /* as it is, without the quotes of the above */
			snprintf(text, sizeof(text), "%s", ippGetString(a, 0, NULL));
		printf("%s %s %s\n", whose, ippGetName(a), text);
	}
}

int main(int argc, char **argv)
{
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	AUTO(auto_close) int fd = -1, secret = -1;
	struct seal_pair pair;
	struct seal_key key;
	char buf[65536];
	size_t got = 0, count;
	const void *octets;
	int rc;

	if (argc != 4)
		return fail("usage", argc);
	if (!strcmp(argv[1], "keys"))
		return make_keys(argv[2], argv[3]);
	secret = open(argv[2], O_RDONLY | O_CLOEXEC);
	fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (secret < 0 || fd < 0 || read(secret, &pair, sizeof(pair)) != sizeof(pair))
		return fail("open", -errno);
	rc = seal_open_key(fd, &pair, &key);
	if (!rc)
		rc = seal_reader_new(fd, &key, &r);
	if (rc)
		return fail("sealed file", rc);
	if (!strcmp(argv[1], "show")) {
		octets = seal_reader_get_envelope(r, &count);
		show("env", octets, count);
		octets = seal_reader_get_ticket(r, &count);
		show("ticket", octets, count);
	}
	while (!(rc = seal_reader_read(r, buf, sizeof(buf), &got)) && got)
		if (!strcmp(argv[1], "document"))
			fwrite(buf, 1, got, stdout);
	return rc ? fail("document", rc) : 0;
}
