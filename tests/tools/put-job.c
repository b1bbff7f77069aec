/* SPDX-License-Identifier: Apache-2.0 */
/* put-job - leave a sealed job in incoming/ as the backend does, without CUPS: for tests of the daemon alone.
 * usage: put-job SPOOL FILE [name=value...]   queue owner title host job-id created processing run pages copies banner raw format */
#include <cups/ipp.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/envelope.h"
#include "core/seal.h"
#include "core/wire.h"

static const char *opt(char **argv, const char *name, const char *otherwise)
{
	size_t n = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=')
			return *argv + n + 1;
	return otherwise;
}

static void uuid(char out[64])
{
	unsigned char b[16];

	randombytes_buf(b, sizeof(b));
	b[6] = (b[6] & 15) | 64;
	b[8] = (b[8] & 63) | 128;
	snprintf(out, 64,
		"urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

static void make_ticket(char **o, void **out, size_t *n)
{
	ipp_t *t = ippNew();

	ippAddString(t, IPP_TAG_OPERATION, IPP_TAG_CHARSET, "attributes-charset", NULL, "utf-8");
	ippAddString(
		t, IPP_TAG_OPERATION, IPP_TAG_LANGUAGE, "attributes-natural-language", NULL, "en");
	ippAddInteger(t, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", atoi(opt(o, "copies", "1")));
	ippAddInteger(t, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-pages", atoi(opt(o, "pages", "1")));
	if (wire_encode(t, out, n))
		exit(1);
	ippDelete(t);
}

/* Tells the daemon, if it is there, as the backend does. */
static void poke(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *run = getenv("STILLPRINT_RUN");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/intake.sock", run ? run : "/nowhere");
	/* If that fails, it looks by itself, later. */
	(void)sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

int main(int argc, char **argv)
{
	struct envelope e = {0};
	struct seal_writer *w;
	struct timespec now;
	uint8_t public_key[SEAL_PUBLIC_OCTETS];
	char path[600], tmp[600], buf[65536];
	void *env, *ticket = NULL;
	size_t env_n, ticket_n = 0;
	ssize_t n;
	int fd, in;
	char **o = argv + (argc > 3 ? 3 : argc);

	if (argc < 3 || sodium_init() < 0)
		return 2;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(e.queue, sizeof(e.queue), "%s", opt(o, "queue", "office"));
	snprintf(e.owner, sizeof(e.owner), "%s", opt(o, "owner", "nobody"));
	snprintf(e.title, sizeof(e.title), "%s", opt(o, "title", "A title"));
	snprintf(e.host, sizeof(e.host), "%s", opt(o, "host", "localhost"));
	snprintf(e.format, sizeof(e.format), "%s", opt(o, "format", "application/pdf"));
	snprintf(e.cups_run, sizeof(e.cups_run), "%s", opt(o, "run", "1:1"));
	uuid(e.document_uuid);
	snprintf(e.job_uuid, sizeof(e.job_uuid), "%s", opt(o, "job-uuid", e.document_uuid));
	e.cups_job_id = atoi(opt(o, "job-id", "1"));
	e.copies = atoi(opt(o, "copies", "1"));
	e.created_s = atoll(opt(o, "created", "1000"));
	e.processing_s = atoll(opt(o, "processing", "1000"));
	e.run_started_s = now.tv_sec - 60;
	e.handed_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	e.banner = !strcmp(opt(o, "banner", "no"), "yes");
	e.raw = !strcmp(opt(o, "raw", "no"), "yes");
	snprintf(path, sizeof(path), "%s/intake.pub", argv[1]);
	if (seal_public_read(path, public_key) || envelope_encode(&e, &env, &env_n))
		return 1;
	if (!e.raw)
		make_ticket(o, &ticket, &ticket_n);
	snprintf(tmp, sizeof(tmp), "%s/incoming/.tmp-%s", argv[1], e.document_uuid + 9);
	snprintf(path, sizeof(path), "%s/incoming/%020lld-%s.job", argv[1], (long long)e.handed_ns,
		e.document_uuid + 9);
	umask(0);
	fd = open(tmp, O_RDWR | O_CREAT | O_EXCL, 0660);
	in = open(argv[2], O_RDONLY);
	if (fd < 0 || in < 0 || seal_writer_new(fd, public_key, env, env_n, ticket, ticket_n, &w))
		return 1;
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (seal_writer_append(w, buf, (size_t)n))
			return 1;
	if (seal_writer_finish(w, NULL) || fsync(fd) || rename(tmp, path))
		return 1;
	poke();
	seal_writer_free(w);
	free(env);
	free(ticket);
	return 0;
}
