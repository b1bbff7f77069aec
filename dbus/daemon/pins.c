/* SPDX-License-Identifier: Apache-2.0 */
/* pins - see pins.h. */
#include "pins.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "core/identity.h"
#include "core/site.h"
#include "engine-private.h"
#include "ipp/enrol.h"
#include "renew.h"

bool pins_apply(struct engine *e, const struct site *site)
{
	AUTO(auto_free) char *present = NULL;
	struct identity who;
	int rc = site->cas ? identity_load(paths_state(), &who) : -ENOENT;

	if (!rc)
		rc = renew_read_ca(who.ca_file, &present);
	if (rc)
		return false;
	if (strcmp(who.server_uuid, site->server_uuid) != 0 || !enrol_are_cas(site->cas)) {
		log_event(LOG_LVL_ERROR, "event=cas-refused");
		return false;
	}
	if (!strcmp(present, site->cas))
		return true;
	rc = identity_set_ca(paths_state(), site->cas);
	if (rc) {
		log_event(LOG_LVL_ERROR, "event=cas-not-kept error=%d", rc);
		return false;
	}
	log_event(LOG_LVL_INFO, "event=cas-changed version=%lld", (long long)site->version);
	renew_soon(e);
	return true;
}
