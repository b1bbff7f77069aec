/* SPDX-License-Identifier: Apache-2.0 */
/* cert - see cert.h. RFC 5280, 4.2.1.6. */
#include "ipp/cert.h"

#include <string.h>

enum { NAMES_MAX = 64 };

bool cert_names_uuid(gnutls_x509_crt_t crt, const char *uuid)
{
	for (unsigned int i = 0; i < NAMES_MAX; i++) {
		char name[256];
		size_t size = sizeof(name) - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (type != GNUTLS_SAN_URI)
			continue;
		name[size] = '\0';
		if (!strcmp(name, uuid))
			return true;
	}
	return false;
}
