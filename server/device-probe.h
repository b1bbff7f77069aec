/* SPDX-License-Identifier: Apache-2.0 */
/* device-probe - ask a printer once, for its certificate's key and whether it is a printer at all. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct device_probe {
	bool answered; /* an IPP answer came */
	bool has_key;
	uint8_t key[32]; /* SHA-256 of its SPKI */
	char detail[256]; /* why not, for people */
};
/* 0 or -errno; that nobody answered is no error. Takes 20 s at most. */
int device_probe(const char *uri, struct device_probe *out);
