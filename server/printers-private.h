/* SPDX-License-Identifier: Apache-2.0 */
/* printers-private - what printers-ipp.c and printers-device.c share. */
#pragma once

#include "app.h"

extern const struct serve_operation devices_operations[]; /* output devices, resources */
/* "ipps://HOST:PORT/PATH" of this server. */
void printers_uri(struct app *app, char *out, size_t size, const char *path);
