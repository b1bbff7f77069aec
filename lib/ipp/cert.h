/* SPDX-License-Identifier: Apache-2.0 */
/* cert - what a certificate says of whose it is: docs/wire.md, Certificates. */
#pragma once

#include <gnutls/x509.h>
#include <stdbool.h>

/* One of its subjectAltName URIs is @uuid, "urn:uuid:…"; the first 64 are looked at. */
bool cert_names_uuid(gnutls_x509_crt_t crt, const char *uuid);
