/* SPDX-License-Identifier: Apache-2.0 */
/* setup-queue - see setup-queue.h. */
#include "setup-queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/vendor.h"

enum { TIMEOUT_MS = 30000, DEPTH_MAX = 8 };

static const char *no_password(
	const char *prompt, http_t *http, const char *method, const char *resource, void *data)
{
	(void)prompt;
	(void)http;
	(void)method;
	(void)resource;
	(void)data;
	return NULL; /* root is known to cupsd by its socket; nobody is asked */
}

http_t *queue_open(const char *socket)
{
	if (!getenv("CUPS_SERVER"))
		cupsSetServer(socket);
	cupsSetPasswordCB2(no_password, NULL);
	return httpConnect2(
		cupsServer(), ippPort(), NULL, AF_UNSPEC, cupsEncryption(), 1, TIMEOUT_MS, NULL);
}

const char *queue_why(void)
{
	static char why[256];

	size_t n;

	text_display(why, sizeof(why), cupsLastErrorString());
	for (n = strlen(why); n > 0 && why[n - 1] == '.'; n--)
		why[n - 1] = '\0'; /* the sentence goes on */
	return why;
}

ipp_t *queue_request(ipp_op_t op, const char *name)
{
	ipp_t *request = ippNewRequest(op);
	char uri[512];

	httpAssembleURIf(HTTP_URI_CODING_ALL, uri, sizeof(uri), "ipp", NULL, "localhost", 0,
		"/printers/%s", name);
	ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", NULL, uri);
	ippAddString(
		request, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", NULL, cupsUser());
	return request;
}

/* Sends @request (given up); the answer matters only by its status. */
static int simple(http_t *http, ipp_t *request, const char *resource)
{
	ippDelete(cupsDoRequest(http, request, resource));
	return cupsLastError() > IPP_STATUS_OK_CONFLICTING ? -EIO : 0;
}

ipp_t *queue_attributes(http_t *http, const char *name)
{
	ipp_t *answer =
		cupsDoRequest(http, queue_request(IPP_OP_GET_PRINTER_ATTRIBUTES, name), "/");

	if (cupsLastError() <= IPP_STATUS_OK_CONFLICTING)
		return answer;
	ippDelete(answer);
	return NULL;
}

static void copy(char *out, size_t size, ipp_t *answer, const char *name)
{
	ipp_attribute_t *attr = ippFindAttribute(answer, name, IPP_TAG_ZERO);
	const char *text = attr ? ippGetString(attr, 0, NULL) : NULL;

	snprintf(out, size, "%s", text ? text : "");
}

static bool flag(ipp_t *answer, const char *name)
{
	ipp_attribute_t *attr = ippFindAttribute(answer, name, IPP_TAG_BOOLEAN);

	return attr && ippGetBoolean(attr, 0);
}

int queue_get(http_t *http, const char *name, struct queue_state *out)
{
	ipp_t *answer = queue_attributes(http, name);
	ipp_attribute_t *attr;
	int type;

	memset(out, 0, sizeof(*out));
	if (!answer)
		return cupsLastError() == IPP_STATUS_ERROR_NOT_FOUND ? QUEUE_E_NONE : -EIO;
	snprintf(out->name, sizeof(out->name), "%s", name);
	copy(out->device_uri, sizeof(out->device_uri), answer, "device-uri");
	copy(out->make_model, sizeof(out->make_model), answer, "printer-make-and-model");
	copy(out->info, sizeof(out->info), answer, "printer-info");
	copy(out->location, sizeof(out->location), answer, "printer-location");
	copy(out->error_policy, sizeof(out->error_policy), answer, "printer-error-policy");
	copy(out->op_policy, sizeof(out->op_policy), answer, "printer-op-policy");
	out->shared = flag(answer, "printer-is-shared");
	out->accepting = flag(answer, "printer-is-accepting-jobs");
	out->temporary = flag(answer, "printer-is-temporary");
	attr = ippFindAttribute(answer, "printer-op-policy-supported", IPP_TAG_NAME);
	out->has_policy = attr && ippContainsString(attr, QUEUE_OP_POLICY);
	attr = ippFindAttribute(answer, "printer-state", IPP_TAG_ENUM);
	out->state = attr ? ippGetInteger(attr, 0) : 0;
	attr = ippFindAttribute(answer, "printer-type", IPP_TAG_ENUM);
	type = attr ? ippGetInteger(attr, 0) : 0;
	out->is_class = type & CUPS_PRINTER_CLASS;
	ippDelete(answer);
	return 0;
}

int queue_ppd(http_t *http, const char *name, int fd)
{
	char resource[256];
	http_status_t status;

	snprintf(resource, sizeof(resource), "/printers/%s.ppd", name);
	status = cupsGetFd(http, resource, fd);
	if (status == HTTP_STATUS_OK)
		return 0;
	return status == HTTP_STATUS_NOT_FOUND ? QUEUE_E_NONE : -EIO;
}

const char *queue_ppd_path(void)
{
	const char *path = getenv("STILLPRINT_PPD");

	return path && *path == '/' ? path : STILLPRINT_DATADIR "/stillprint-queue.ppd";
}

bool queue_is_ours(const struct queue_state *q)
{
	return !strncmp(q->device_uri, VENDOR_SCHEME ":", strlen(VENDOR_SCHEME) + 1);
}

/* The next line of @f that says what the queue can do: not a comment, not a default that an administrator may set. */
static char *next_line(FILE *f, char *line, size_t size)
{
	char *end;

	while (fgets(line, (int)size, f)) {
		end = line + strlen(line);
		while (end > line && strchr("\r\n\t ", end[-1]))
			*--end = '\0';
		if (*line && strncmp(line, "*%", 2) != 0 && strncmp(line, "*Default", 8) != 0)
			return line;
	}
	return NULL;
}

static bool same_ppd(http_t *http, const char *name, const char *path)
{
	FILE *theirs = tmpfile(), *ours = fopen(path, "re");
	char a[1024], b[1024], *p = a, *q = b;
	bool same = false;

	if (theirs && ours && queue_ppd(http, name, fileno(theirs)) == 0) {
		rewind(theirs);
		do {
			p = next_line(theirs, a, sizeof(a));
			q = next_line(ours, b, sizeof(b));
		} while (p && q && !strcmp(p, q));
		same = !p && !q;
	}
	if (theirs)
		fclose(theirs);
	if (ours)
		fclose(ours);
	return same;
}

static void wish_uri(char *out, size_t size, const struct queue_wish *wish)
{
	snprintf(out, size, VENDOR_SCHEME ":%s", wish->name);
}

bool queue_fits(http_t *http, const struct queue_state *q, const struct queue_wish *wish)
{
	char uri[256];

	wish_uri(uri, sizeof(uri), wish);
	return !strcmp(q->device_uri, uri) && !strcmp(q->error_policy, "retry-job") && !q->shared &&
	       (wish->plain_policy || !q->has_policy || !strcmp(q->op_policy, QUEUE_OP_POLICY)) &&
	       (!wish->open || (q->accepting && q->state != IPP_PSTATE_STOPPED)) &&
	       (!wish->ppd || same_ppd(http, wish->name, wish->ppd));
}

int queue_modify(http_t *http, ipp_t *request, const char *ppd)
{
	if (ppd)
		ippDelete(cupsDoFileRequest(http, request, "/admin/", ppd));
	else
		ippDelete(cupsDoRequest(http, request, "/admin/"));
	return cupsLastError() > IPP_STATUS_OK_CONFLICTING ? -EIO : 0;
}

int queue_set_shared(http_t *http, const char *name, bool shared)
{
	struct queue_state now;
	ipp_t *request;

	if (queue_get(http, name, &now) == 0 && now.shared == shared)
		return 0;
	request = queue_request(IPP_OP_CUPS_ADD_MODIFY_PRINTER, name);
	ippAddBoolean(request, IPP_TAG_PRINTER, "printer-is-shared", shared ? 1 : 0);
	return queue_modify(http, request, NULL);
}

int queue_put(http_t *http, const struct queue_wish *wish)
{
	ipp_t *request = queue_request(IPP_OP_CUPS_ADD_MODIFY_PRINTER, wish->name);
	char uri[256];

	wish_uri(uri, sizeof(uri), wish);
	ippAddString(request, IPP_TAG_PRINTER, IPP_TAG_URI, "device-uri", NULL, uri);
	ippAddString(
		request, IPP_TAG_PRINTER, IPP_TAG_NAME, "printer-error-policy", NULL, "retry-job");
	if (!wish->plain_policy)
		ippAddString(request, IPP_TAG_PRINTER, IPP_TAG_NAME, "printer-op-policy", NULL,
			QUEUE_OP_POLICY);
	if (wish->info)
		ippAddString(
			request, IPP_TAG_PRINTER, IPP_TAG_TEXT, "printer-info", NULL, wish->info);
	if (wish->open) {
		ippAddInteger(
			request, IPP_TAG_PRINTER, IPP_TAG_ENUM, "printer-state", IPP_PSTATE_IDLE);
		ippAddBoolean(request, IPP_TAG_PRINTER, "printer-is-accepting-jobs", 1);
	}
	if (queue_modify(http, request, wish->ppd) != 0)
		return !wish->plain_policy && strstr(cupsLastErrorString(), "op-policy")
			       ? QUEUE_E_POLICY
			       : -EIO;
	/* A request of its own: while the queue still counts as another server's, cupsd refuses to change this. */
	return queue_set_shared(http, wish->name, false);
}

int queue_delete(http_t *http, const char *name)
{
	return simple(http, queue_request(IPP_OP_CUPS_DELETE_PRINTER, name), "/admin/");
}

int queue_set_default(http_t *http, const char *name)
{
	return simple(http, queue_request(IPP_OP_CUPS_SET_DEFAULT, name), "/admin/");
}

int queue_set_running(http_t *http, const char *name, bool running, bool accepting)
{
	int rc = simple(http,
		queue_request(running ? IPP_OP_RESUME_PRINTER : IPP_OP_PAUSE_PRINTER, name),
		"/admin/");

	if (rc)
		return rc;
	return simple(http,
		queue_request(accepting ? IPP_OP_CUPS_ACCEPT_JOBS : IPP_OP_CUPS_REJECT_JOBS, name),
		"/admin/");
}

static bool leads_back(http_t *http, const char *name, int depth)
{
	ipp_t *answer = depth < DEPTH_MAX ? queue_attributes(http, name) : NULL;
	ipp_attribute_t *members;
	char device[1024], model[256];
	bool back;

	if (!answer)
		return depth >= DEPTH_MAX;
	copy(device, sizeof(device), answer, "device-uri");
	copy(model, sizeof(model), answer, "printer-make-and-model");
	back = !strncmp(device, VENDOR_SCHEME ":", strlen(VENDOR_SCHEME) + 1) ||
	       strstr(model, VENDOR_QUEUE_MODEL);
	members = ippFindAttribute(answer, "member-names", IPP_TAG_NAME);
	for (int i = 0; !back && members && i < ippGetCount(members); i++)
		back = leads_back(http, ippGetString(members, i, NULL), depth + 1);
	ippDelete(answer);
	return back;
}

bool queue_leads_back(http_t *http, const char *name)
{
	return leads_back(http, name, 0);
}
