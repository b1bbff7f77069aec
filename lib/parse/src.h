/* SPDX-License-Identifier: Apache-2.0 */
/* src - the document's bytes: a file read by pread() through a small cache, or memory. */
#pragma once

#include "base/auto.h"
#include <stddef.h>
#include <stdint.h>

struct src;

/** src_new_fd() - the first @size octets of @fd, which is borrowed. Return: 0 or -ENOMEM. */
int src_new_fd(int fd, uint64_t size, struct src **out);

/** src_new_mem() - @len octets at @p, which is borrowed. Return: 0 or -ENOMEM. */
int src_new_mem(const void *p, size_t len, struct src **out);

/** src_new_part() - @of from octet @start on; @of must outlive it. Return: 0 or -ENOMEM. */
int src_new_part(const struct src *of, uint64_t start, struct src **out);

void src_free(struct src *s); /* NULL is fine */
AUTO_DEFINE(struct src *, src_free)

uint64_t src_size(const struct src *s);

/** src_read() - copy up to @len octets from @off; fewer at the end or where reading fails
 * Return: octets copied. */
size_t src_read(struct src *s, uint64_t off, void *buf, size_t len);
