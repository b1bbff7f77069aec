/* SPDX-License-Identifier: Apache-2.0 */
/* codec - small IPP messages (envelope, ticket) between memory and libcups' ipp_t, with caps that a forged file cannot
 * pass: the octets are walked once before libcups sees them. */
#pragma once

#include <cups/ipp.h>
#include <stddef.h>

enum codec_err { CODEC_E_DAMAGED = 1 };
enum { CODEC_MAX_OCTETS = 65536, CODEC_MAX_VALUES = 4000, CODEC_MAX_DEPTH = 4 };

/* A message with charset and language, ready for attributes of the job group. NULL without memory. */
ipp_t *codec_new(void);
/* @out: heap memory, the caller frees it. Return: 0, -EMSGSIZE, or -ENOMEM. */
int codec_encode(ipp_t *ipp, void **out, size_t *octets);
/* Return: 0, CODEC_E_DAMAGED (not one whole message, or over a cap), or -ENOMEM. */
int codec_decode(const void *octets, size_t count, ipp_t **out);
static inline void codec_deletep(ipp_t **ipp)
{
	ippDelete(*ipp);
}
