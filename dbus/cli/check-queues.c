/* SPDX-License-Identifier: Apache-2.0 */
/* check-queues - does CUPS have the queues that the configuration names, and as they must be? */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/paths.h"
#include "check.h"
#include "core/vendor.h"

/* One finding per queue: the worst, with its remedy. */
static void check_one(struct check *k, const struct config_queue *config)
{
	const char *name = config->name;
	char what[160], again[200];
	struct queue_state q;
	int rc = queue_get(k->http, name, &q);

	snprintf(what, sizeof(what), "queue %s", name);
	snprintf(again, sizeof(again), "Make it good again: stillprint setup %s", name);
	if (rc == QUEUE_E_NONE)
		check_add(k, FINDING_WRONG, what, again, "CUPS has no such queue");
	else if (rc)
		check_add(
			k, FINDING_WRONG, what, "", "CUPS does not tell about it: %s", queue_why());
	else if (!queue_is_ours(&q))
		check_add(k, FINDING_WRONG, what,
			"Take it over: stillprint setup --adopt, or remove it from the "
			"configuration.",
			"it prints to %s, past Stillprint", q.device_uri);
	else if (strcmp(q.device_uri + strlen(VENDOR_SCHEME) + 1, name) != 0)
		check_add(k, FINDING_WRONG, what, again, "it prints to another queue's address, %s",
			q.device_uri);
	else if (q.state == IPP_PSTATE_STOPPED || !q.accepting)
		check_add(k, FINDING_WRONG, what,
			"Let it print: cupsenable and cupsaccept, then its name.", "%s in CUPS",
			q.accepting ? "stopped" : "takes no jobs");
	else if (q.shared)
		check_add(k, FINDING_WARNING, what, again,
			"shared: other computers' users cannot be verified");
	else if (strcmp(q.op_policy, QUEUE_OP_POLICY) != 0)
		check_add(k, config->require_verified ? FINDING_WRONG : FINDING_WARNING, what,
			q.has_policy ? again
				     : "Put <Policy " QUEUE_OP_POLICY
				       "> of the stock cupsd.conf back, then run setup.",
			"cupsd does not verify who prints (policy %s)%s", q.op_policy,
			config->require_verified ? ", and all jobs are held for that" : "");
	else if (strcmp(q.error_policy, "retry-job") != 0)
		check_add(k, FINDING_WARNING, what, again,
			"one bad job can stop it (error policy %s)", q.error_policy);
	else
		check_add(k, FINDING_OK, what, "", "in CUPS, takes jobs, users verified");
}

/* Queues of CUPS that print to us, and that nobody has configured: their jobs are held. */
static void check_strays(struct check *k)
{
	static const char *const wanted[] = {"printer-name", "device-uri"};
	ipp_t *request = ippNewRequest(IPP_OP_CUPS_GET_PRINTERS), *answer;
	const char *name = NULL;

	ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", 2, NULL,
		wanted);
	answer = cupsDoRequest(k->http, request, "/");
	for (ipp_attribute_t *a = answer ? ippFirstAttribute(answer) : NULL; a;
		a = ippNextAttribute(answer)) {
		const char *attribute = ippGetName(a), *value;

		if (!attribute) {
			name = NULL; /* the next printer's group */
			continue;
		}
		value = ippGetString(a, 0, NULL);
		if (!strcmp(attribute, "printer-name"))
			name = value;
		if (strcmp(attribute, "device-uri") != 0 || !value ||
			strncmp(value, VENDOR_SCHEME ":", strlen(VENDOR_SCHEME) + 1) != 0)
			continue;
		value += strlen(VENDOR_SCHEME) + 1;
		if (!config_queue(k->config, value))
			check_add(k, FINDING_WRONG, "CUPS",
				"Set it up (stillprint setup), or remove it (lpadmin -x).",
				"queue %s prints to Stillprint's %s, which is not set up: its jobs are held",
				name ? name : value, value);
	}
	ippDelete(answer);
}

static bool login_service_listens(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return !paths_join(at.sun_path, sizeof(at.sun_path), paths_run(), "login.sock") &&
	       fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at));
}

/* Without it nobody is ever verified. */
static void check_logins(struct check *k)
{
	bool required = false;

	for (size_t i = 0; i < k->config->queue_count; i++)
		required |= k->config->queue[i].require_verified;
	if (!required)
		return;
	if (login_service_listens())
		check_add(k, FINDING_OK, "logins", "", "the login service runs");
	else
		check_add(k, FINDING_WRONG, "logins",
			"Start it: systemctl enable --now stillprint-verifier",
			"the login service does not run, and a queue takes only verified users' jobs");
}

void check_queues(struct check *k)
{
	if (!k->http) {
		check_add(k, FINDING_WRONG, "CUPS", "Start it: systemctl start cups",
			"cupsd does not answer at %s", cupsServer());
		return;
	}
	if (!k->config)
		return;
	for (size_t i = 0; i < k->config->queue_count; i++)
		check_one(k, &k->config->queue[i]);
	check_logins(k);
	check_strays(k);
}
