/* SPDX-License-Identifier: Apache-2.0 */
/* uuid - names that nobody else has. */
#pragma once

enum { UUID_SIZE = 64 };

/* "urn:uuid:…", random (RFC 9562, version 4). libsodium is initialised by whoever opened a store or made a key. */
void uuid_make(char out[UUID_SIZE]);
