/* SPDX-License-Identifier: Apache-2.0 */
/* uuid - see uuid.h. */
#include "core/uuid.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "urn:uuid:";

void uuid_text(const uint8_t b[16], char out[UUID_SIZE])
{
	snprintf(out, UUID_SIZE,
		"%s%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", prefix,
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

bool uuid_octets(const char *text, uint8_t octets[16])
{
	size_t count = 0;
	const char *end = NULL;

	if (strncmp(text, prefix, strlen(prefix)) != 0 || strlen(text) != strlen(prefix) + 36)
		return false;
	return !sodium_hex2bin(octets, 16, text + strlen(prefix), 36, "-", &count, &end) &&
	       count == 16 && !*end;
}

void uuid_make(char out[UUID_SIZE])
{
	uint8_t b[16];

	randombytes_buf(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	uuid_text(b, out);
}
