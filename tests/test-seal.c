/* SPDX-License-Identifier: Apache-2.0 */
/* test-seal - a sealed file gives back what went in, or says that it is damaged; nothing between. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/seal.h"
#include "tap.h"

static struct seal_pair pair;

static int sealed(const void *document, size_t count)
{
	AUTO(seal_writer_freep) struct seal_writer *w = NULL;
	int fd = memfd_create("sealed", MFD_CLOEXEC);

	if (seal_writer_new(fd, pair.public_key, "envelope", 8, "ticket", 6, &w) ||
		seal_writer_append(w, document, count) || seal_writer_finish(w, NULL))
		abort();
	return fd;
}

/* 0 when all of @count octets came back and the end was proven. */
static int reread(int fd, const uint8_t *document, size_t count)
{
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	struct seal_key key;
	uint8_t buf[50000];
	size_t got = 0, at = 0;
	int rc = seal_open_key(fd, &pair, &key);

	if (!rc)
		rc = seal_reader_new(fd, &key, &r);
	while (!rc) {
		rc = seal_reader_read(r, buf, sizeof(buf), &got);
		if (rc || !got)
			break;
		if (at + got > count || memcmp(buf, document + at, got) != 0)
			return -EBADMSG;
		at += got;
	}
	if (!rc && (at != count || seal_reader_get_octets(r) != count))
		return -EBADMSG;
	return rc;
}

static uint8_t *document_of(size_t count)
{
	uint8_t *d = malloc(count + 1);

	for (size_t i = 0; i < count; i++)
		d[i] = (uint8_t)(i * 31 + i / 251);
	return d;
}

static void documents_of_every_size_come_back(void)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 300001};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		AUTO(auto_free) uint8_t *d = document_of(sizes[i]);
		AUTO(auto_close) int fd = sealed(d, sizes[i]);

		CHECK(reread(fd, d, sizes[i]) == 0);
	}
}

static void envelope_and_ticket_come_back(void)
{
	AUTO(auto_close) int fd = sealed("x", 1);
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	struct seal_key key;
	size_t n = 0;

	CHECK(seal_open_key(fd, &pair, &key) == 0);
	CHECK(seal_reader_new(fd, &key, &r) == 0);
	CHECK(r && !memcmp(seal_reader_get_envelope(r, &n), "envelope", 8) && n == 8);
	CHECK(r && !memcmp(seal_reader_get_ticket(r, &n), "ticket", 6) && n == 6);
}

static void every_truncation_is_refused(void)
{
	AUTO(auto_free) uint8_t *d = document_of(70000);
	AUTO(auto_close) int fd = sealed(d, 1000);
	AUTO(auto_close) int large = sealed(d, 70000);
	struct stat st;

	fstat(large, &st);
	for (off_t n = st.st_size - 1; n > 0; n -= 997) {
		CHECK(!ftruncate(large, n));
		CHECK(reread(large, d, 70000) == SEAL_E_DAMAGED);
	}
	fstat(fd, &st);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		CHECK(!ftruncate(fd, n));
		CHECK(reread(fd, d, 1000) == SEAL_E_DAMAGED);
	}
}

static void octets_after_the_end_are_refused(void)
{
	AUTO(auto_close) int fd = sealed("abc", 3);

	CHECK(write(fd, "x", 1) == 1);
	CHECK(reread(fd, (const uint8_t *)"abc", 3) == SEAL_E_DAMAGED);
}

static void every_flipped_bit_is_refused(void)
{
	AUTO(auto_free) uint8_t *d = document_of(100);
	AUTO(auto_close) int fd = sealed(d, 100);
	struct stat st;

	fstat(fd, &st);
	for (off_t at = 0; at < st.st_size; at++) {
		uint8_t was = 0, now;
		int rc;

		CHECK(pread(fd, &was, 1, at) == 1);
		now = was ^ (uint8_t)(1 << (at % 8));
		CHECK(pwrite(fd, &now, 1, at) == 1);
		rc = reread(fd, d, 100);
		CHECK(rc == (at == 7                     ? SEAL_E_VERSION
				    : at >= 8 && at < 16 ? SEAL_E_KEY
							 : SEAL_E_DAMAGED));
		CHECK(pwrite(fd, &was, 1, at) == 1);
	}
	CHECK(reread(fd, d, 100) == 0);
}

static void another_pair_does_not_open_it(void)
{
	AUTO(auto_close) int fd = sealed("abc", 3);
	struct seal_pair other;
	struct seal_key key;
	uint8_t id[SEAL_KEY_ID_OCTETS], ours[SEAL_KEY_ID_OCTETS];

	CHECK(seal_pair_new(&other) == 0);
	CHECK(seal_open_key(fd, &other, &key) == SEAL_E_KEY);
	memcpy(other.public_key, pair.public_key, sizeof(other.public_key));
	CHECK(seal_open_key(fd, &other, &key) == SEAL_E_DAMAGED);
	seal_key_id(pair.public_key, ours);
	CHECK(seal_read_key_id(fd, id) == 0 && !memcmp(id, ours, sizeof(id)));
}

static void another_job_key_reads_nothing(void)
{
	AUTO(auto_close) int fd = sealed("abc", 3);
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	struct seal_key key = {{1}};

	CHECK(seal_reader_new(fd, &key, &r) == SEAL_E_DAMAGED);
}

static void wiped_key_ends_the_intake_key_but_not_the_job_key(void)
{
	AUTO(auto_close) int fd = sealed("abc", 3);
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	struct seal_key key, again;
	char buf[8];
	size_t got = 0;

	CHECK(seal_open_key(fd, &pair, &key) == 0);
	CHECK(seal_wipe_key(fd) == 0);
	CHECK(seal_open_key(fd, &pair, &again) == SEAL_E_DAMAGED);
	CHECK(seal_reader_new(fd, &key, &r) == 0);
	CHECK(seal_reader_read(r, buf, sizeof(buf), &got) == 0 && got == 3 &&
		!memcmp(buf, "abc", 3));
	CHECK(seal_reader_read(r, buf, sizeof(buf), &got) == 0 && got == 0);
	CHECK(seal_reader_read(r, buf, sizeof(buf), &got) == 0 && got == 0);
}

static void public_key_survives_its_file_and_a_bad_file_is_refused(void)
{
	char dir[] = "/tmp/test-seal-XXXXXX", path[64];
	uint8_t key[SEAL_PUBLIC_OCTETS] = {0};
	struct stat st;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/intake.pub", dir);
	CHECK(seal_public_read(path, key) == -ENOENT);
	CHECK(seal_public_write(path, pair.public_key) == 0);
	CHECK(seal_public_write(path, pair.public_key) == 0);
	CHECK(seal_public_read(path, key) == 0 && !memcmp(key, pair.public_key, sizeof(key)));
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0644);
	CHECK(!truncate(path, st.st_size - 1));
	CHECK(seal_public_read(path, key) == SEAL_E_DAMAGED);
	unlink(path);
	rmdir(dir);
}

static int trouble_count;

/* A pipe that is full for a while stands for a disk that is: EAGAIN instead of ENOSPC, partial writes included. */
static int drain(void *arg, int error)
{
	int *fd = arg;
	uint8_t buf[4096];
	ssize_t n = read(fd[0], buf, sizeof(buf));

	trouble_count++;
	if (error != -EAGAIN || n < 0 || write(fd[1], buf, (size_t)n) != n)
		return -EIO;
	return 0;
}

static void trouble_in_mid_write_loses_and_repeats_nothing(void)
{
	AUTO(auto_free) uint8_t *d = document_of(200000);
	AUTO(seal_writer_freep) struct seal_writer *w = NULL;
	AUTO(auto_close) int copy = memfd_create("copy", MFD_CLOEXEC);
	int ends[2], fd[2];
	uint8_t buf[4096];
	ssize_t n;

	CHECK(!pipe2(ends, O_NONBLOCK | O_CLOEXEC));
	fd[0] = ends[0];
	fd[1] = copy;
	CHECK(seal_writer_new(ends[1], pair.public_key, "e", 1, "t", 1, &w) == 0);
	trouble_count = 0;
	seal_writer_on_trouble(w, drain, fd);
	CHECK(seal_writer_append(w, d, 200000) == 0);
	CHECK(seal_writer_finish(w, NULL) == 0);
	CHECK(trouble_count > 10);
	while ((n = read(ends[0], buf, sizeof(buf))) > 0)
		CHECK(write(copy, buf, (size_t)n) == n);
	CHECK(reread(copy, d, 200000) == 0);
	close(ends[0]);
	close(ends[1]);
}

static int sealed_with(const void *document, size_t count, const uint8_t *sha256)
{
	AUTO(seal_writer_freep) struct seal_writer *w = NULL;
	int fd = memfd_create("sealed", MFD_CLOEXEC);

	if (seal_writer_new(fd, pair.public_key, "envelope", 8, "ticket", 6, &w))
		abort();
	seal_writer_spare_digest(w);
	CHECK(seal_writer_append(w, document, count) == 0);
	CHECK(seal_writer_finish(w, NULL) == -EINVAL); /* it was promised */
	CHECK(seal_writer_finish(w, sha256) == 0);
	return fd;
}

static void a_digest_of_the_callers_is_proven_by_the_reader(void)
{
	static const uint8_t document[100000] = "whatever";
	uint8_t sha256[crypto_hash_sha256_BYTES];
	int right, wrong;

	crypto_hash_sha256(sha256, document, sizeof(document));
	right = sealed_with(document, sizeof(document), sha256);
	CHECK(reread(right, document, sizeof(document)) == 0);
	sha256[3] ^= 1;
	wrong = sealed_with(document, sizeof(document), sha256);
	CHECK(reread(wrong, document, sizeof(document)) == SEAL_E_DAMAGED);
	close(right);
	close(wrong);
}

int main(void)
{
	if (seal_pair_new(&pair))
		abort();
	RUN(documents_of_every_size_come_back);
	RUN(envelope_and_ticket_come_back);
	RUN(every_truncation_is_refused);
	RUN(octets_after_the_end_are_refused);
	RUN(every_flipped_bit_is_refused);
	RUN(another_pair_does_not_open_it);
	RUN(another_job_key_reads_nothing);
	RUN(wiped_key_ends_the_intake_key_but_not_the_job_key);
	RUN(public_key_survives_its_file_and_a_bad_file_is_refused);
	RUN(trouble_in_mid_write_loses_and_repeats_nothing);
	RUN(a_digest_of_the_callers_is_proven_by_the_reader);
	return tap_done();
}
