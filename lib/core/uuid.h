/* SPDX-License-Identifier: Apache-2.0 */
/* uuid - names that nobody else has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { UUID_SIZE = 64 };

/* "urn:uuid:…", random (RFC 9562, version 4). libsodium is initialised by whoever opened a store or made a key. */
void uuid_make(char out[UUID_SIZE]);
/* The same form from 16 octets, and back: false if @text is none. */
void uuid_text(const uint8_t octets[16], char out[UUID_SIZE]);
bool uuid_octets(const char *text, uint8_t octets[16]);
