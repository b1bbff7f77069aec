/* SPDX-License-Identifier: Apache-2.0 */
/* wire - IPP messages between bytes and libcups' ipp_t, with caps that hostile peers and files cannot pass. */
#pragma once

#include <cups/ipp.h>
#include <stddef.h>

enum wire_err {
	WIRE_E_DAMAGED = 1, /* not IPP, or cut */
	WIRE_E_LIMIT, /* too many attributes or values, or nested too deep */
};
enum {
	WIRE_MAX_OCTETS = 1024 * 1024,
	WIRE_MAX_ATTRIBUTES = 4000,
	WIRE_MAX_VALUES = 20000,
	WIRE_MAX_DEPTH = 8
};

/* A message with charset and language, ready for attributes of the job group. NULL without memory. */
ipp_t *wire_new(void);
/* Octets after the end of the message are left alone. Return: 0, WIRE_E_, or -errno. *@out is the caller's, ippDelete(). */
int wire_decode(const void *octets, size_t count, ipp_t **out);
/* @out: heap memory. Return: 0, -ENOMEM, or -EINVAL for what IPP cannot carry. */
int wire_encode(ipp_t *ipp, void **out, size_t *octets);
static inline void wire_deletep(ipp_t **ipp)
{
	ippDelete(*ipp);
}
