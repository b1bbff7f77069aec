/* SPDX-License-Identifier: Apache-2.0 */
/* test-stream - only a whole stream with its trailer is a document. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/stream.h"
#include "tap.h"

static int streamed(const void *document, size_t count)
{
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (stream_writer_new(fd, "ticket", 6, &w) || stream_writer_append(w, document, count) ||
		stream_writer_finish(w))
		abort();
	return fd;
}

static int reread(int fd, const char *document, size_t count)
{
	AUTO(stream_reader_freep) struct stream_reader *r = NULL;
	const void *octets = NULL;
	size_t got = 0, at = 0;
	bool same = true;
	int rc;

	lseek(fd, 0, SEEK_SET);
	rc = stream_reader_new(fd, &r);
	while (!rc) {
		rc = stream_reader_read(r, &octets, &got);
		if (rc || !got)
			break;
		same = same && at + got <= count && !memcmp(octets, document + at, got);
		at += got;
	}
	return !rc && (!same || at != count) ? -EBADMSG : rc;
}

static void documents_of_every_size_come_back(void)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300001};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		AUTO(auto_free) char *d = calloc(1, sizes[i] + 1);
		AUTO(auto_close) int fd = streamed(d, sizes[i]);

		CHECK(reread(fd, d, sizes[i]) == 0);
	}
}

static void ticket_comes_back(void)
{
	AUTO(auto_close) int fd = streamed("abc", 3);
	AUTO(stream_reader_freep) struct stream_reader *r = NULL;
	size_t n = 0;

	lseek(fd, 0, SEEK_SET);
	CHECK(stream_reader_new(fd, &r) == 0);
	CHECK(r && !memcmp(stream_reader_get_ticket(r, &n), "ticket", 6) && n == 6);
}

static void every_truncation_is_cut(void)
{
	AUTO(auto_free) char *d = calloc(1, 500);
	AUTO(auto_close) int fd = streamed(d, 500);
	struct stat st;

	fstat(fd, &st);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		CHECK(!ftruncate(fd, n));
		CHECK(reread(fd, d, 500) == STREAM_E_CUT);
	}
}

static void every_flipped_bit_is_refused_outside_the_ticket(void)
{
	AUTO(auto_close) int fd = streamed("some document", 13);
	struct stat st;

	fstat(fd, &st);
	for (off_t at = 0; at < st.st_size; at++) {
		uint8_t was = 0, now;
		int rc;

		if (at >= 11 && at < 17)
			continue; /* the ticket's own octets: its reader judges them */
		CHECK(pread(fd, &was, 1, at) == 1);
		now = was ^ (uint8_t)(1 << (at % 8));
		CHECK(pwrite(fd, &now, 1, at) == 1);
		rc = reread(fd, "some document", 13);
		CHECK(rc == STREAM_E_DAMAGED || rc == STREAM_E_CUT ||
			(at == 5 && rc == STREAM_E_VERSION));
		CHECK(pwrite(fd, &was, 1, at) == 1);
	}
	CHECK(reread(fd, "some document", 13) == 0);
}

static void octets_after_the_trailer_are_refused(void)
{
	AUTO(auto_close) int fd = streamed("abc", 3);

	CHECK(write(fd, "x", 1) == 1);
	CHECK(reread(fd, "abc", 3) == STREAM_E_DAMAGED);
}

static void two_streams_in_one_pipe_are_refused(void)
{
	AUTO(auto_close) int fd = streamed("abc", 3);
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;

	CHECK(stream_writer_new(fd, "t", 1, &w) == 0 && stream_writer_finish(w) == 0);
	CHECK(reread(fd, "abc", 3) == STREAM_E_DAMAGED);
}

static void error_is_told_again(void)
{
	AUTO(auto_close) int fd = streamed("abc", 3);
	AUTO(stream_reader_freep) struct stream_reader *r = NULL;
	const void *octets;
	size_t got;

	CHECK(!ftruncate(fd, 30));
	lseek(fd, 0, SEEK_SET);
	CHECK(stream_reader_new(fd, &r) == 0);
	while (!stream_reader_read(r, &octets, &got))
		CHECK(got);
	CHECK(stream_reader_read(r, &octets, &got) == STREAM_E_CUT && got == 0);
}

static int streamed_as(const char *document, const unsigned char *sha256)
{
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (stream_writer_new(fd, "ticket", 6, &w))
		abort();
	stream_writer_know(w, sha256);
	if (stream_writer_append(w, document, strlen(document)) || stream_writer_finish(w))
		abort();
	return fd;
}

static void digest_that_was_known_before_is_proved_all_the_same(void)
{
	unsigned char sha256[STREAM_SHA256_OCTETS];
	int fd;

	crypto_hash_sha256(sha256, (const unsigned char *)"abc", 3);
	fd = streamed_as("abc", sha256);
	CHECK(reread(fd, "abc", 3) == 0);
	close(fd);
	fd = streamed_as("abd", sha256);
	CHECK(reread(fd, "abd", 3) == STREAM_E_DAMAGED);
	close(fd);
}

int main(void)
{
	RUN(documents_of_every_size_come_back);
	RUN(ticket_comes_back);
	RUN(every_truncation_is_cut);
	RUN(every_flipped_bit_is_refused_outside_the_ticket);
	RUN(octets_after_the_trailer_are_refused);
	RUN(two_streams_in_one_pipe_are_refused);
	RUN(error_is_told_again);
	RUN(digest_that_was_known_before_is_proved_all_the_same);
	return tap_done();
}
