/* SPDX-License-Identifier: Apache-2.0 */
/* bus-object - object paths, and who may see what is there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus-impl.h"

const struct bus_user bus_everyone = {.uid = 0, .name = "root"};

bool bus_user_sees(const struct bus_user *u, const char *owner)
{
	return u->uid == 0 || (u->name[0] && !strcmp(u->name, owner));
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int bus_path_escape(char *out, size_t size, const char *name)
{
	size_t n = 0;

	if (!*name)
		return (size_t)snprintf(out, size, "_") < size ? 0 : -ENAMETOOLONG;
	for (; *name; name++) {
		if (n + 4 > size)
			return -ENAMETOOLONG;
		if (is_plain(*name))
			out[n++] = *name;
		else
			n += (size_t)sprintf(out + n, "_%02x", (unsigned char)*name);
	}
	out[n] = '\0';
	return 0;
}

/* One spelling per name: only what bus_path_escape() would write, in lower case. */
static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int bus_path_unescape(char *out, size_t size, const char *element)
{
	size_t n = 0;

	if (!strcmp(element, "_"))
		element = "";
	for (; *element; element++) {
		int octet = (unsigned char)*element;

		if (n + 1 >= size)
			return -ENAMETOOLONG;
		if (*element == '_') {
			int high = hex_digit(element[1]),
			    low = high < 0 ? -1 : hex_digit(element[2]);

			octet = high * 16 + low;
			if (low < 0 || octet == 0 || is_plain((char)octet))
				return -EINVAL;
			element += 2;
		} else if (!is_plain(*element)) {
			return -EINVAL;
		}
		out[n++] = (char)octet;
	}
	out[n] = '\0';
	return 0;
}

/* "1" to "2147483647", no sign, no leading zero. 0 if it is anything else. */
static int32_t job_number(const char *s)
{
	int64_t n = 0;

	if (*s < '1' || *s > '9')
		return 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		n = n * 10 + (*s - '0');
		if (n > INT32_MAX)
			return 0;
	}
	return (int32_t)n;
}

static void object_init(
	struct bus_object *o, struct engine *e, const struct bus_user *viewer, enum bus_kind kind)
{
	*o = (struct bus_object){.kind = kind, .e = e, .viewer = viewer};
}

void bus_job_path(char out[BUS_PATH_MAX], int32_t id)
{
	snprintf(out, BUS_PATH_MAX, "%s/%d", BUS_JOBS_PATH, id);
}

bool bus_object_job(
	struct engine *e, const struct bus_user *viewer, int32_t id, struct bus_object *out)
{
	object_init(out, e, viewer, ON_JOB);
	if (!engine_job_find(e, id, &out->job) || !bus_user_sees(viewer, out->job.row->owner))
		return false;
	bus_job_path(out->path, id);
	return true;
}

static bool queue_path(struct bus_object *o, const char *name)
{
	static const char prefix[] = BUS_QUEUES_PATH "/";

	memcpy(o->path, prefix, sizeof(prefix));
	return bus_path_escape(o->path + sizeof(prefix) - 1, sizeof(o->path) - sizeof(prefix) + 1,
		       name) == 0;
}

bool bus_object_queue(
	struct engine *e, const struct bus_user *viewer, const char *name, struct bus_object *out)
{
	object_init(out, e, viewer, ON_QUEUE);
	/* The path also of one that has just gone, for those who must be told. */
	return queue_path(out, name) && engine_queue_find(e, name, &out->queue);
}

/* What users named or used is theirs: others learn only of what the administrator configured. */
static bool printer_seen(const struct bus_user *viewer, const struct engine_printer *p)
{
	return p->configured || viewer->uid == 0;
}

static void printer_path(struct bus_object *o)
{
	snprintf(o->path, sizeof(o->path), "%s/p%08x", BUS_PRINTERS_PATH, (unsigned)o->printer.id);
}

/* "p" and eight hex digits, as printer_path() writes them. */
static bool printer_at(struct bus_object *o, const char *element)
{
	uint32_t id = 0;

	if (element[0] != 'p' || strlen(element) != 9)
		return false;
	for (int i = 1; i < 9; i++) {
		int digit = hex_digit(element[i]);

		if (digit < 0)
			return false;
		id = id << 4 | (uint32_t)digit;
	}
	if (!engine_printer_find(o->e, id, &o->printer) || !printer_seen(o->viewer, &o->printer))
		return false;
	printer_path(o);
	return true;
}

bool bus_object_at(
	struct engine *e, const struct bus_user *viewer, const char *path, struct bus_object *out)
{
	static const char jobs[] = BUS_JOBS_PATH "/", queues[] = BUS_QUEUES_PATH "/";
	static const char printers[] = BUS_PRINTERS_PATH "/";
	static const char *const nodes[] = {
		"/", "/org", BUS_JOBS_PATH, BUS_QUEUES_PATH, BUS_PRINTERS_PATH};
	char name[sizeof(out->queue.config->name)];

	if (!strncmp(path, jobs, sizeof(jobs) - 1)) {
		int32_t id = job_number(path + sizeof(jobs) - 1);

		return id && bus_object_job(e, viewer, id, out);
	}
	if (!strncmp(path, queues, sizeof(queues) - 1))
		return bus_path_unescape(name, sizeof(name), path + sizeof(queues) - 1) == 0 &&
		       bus_object_queue(e, viewer, name, out);
	if (!strncmp(path, printers, sizeof(printers) - 1)) {
		object_init(out, e, viewer, ON_PRINTER);
		return printer_at(out, path + sizeof(printers) - 1);
	}
	object_init(out, e, viewer, strcmp(path, BUS_ROOT_PATH) ? ON_NODE : ON_MANAGER);
	snprintf(out->path, sizeof(out->path), "%s", path);
	for (size_t i = 0; out->kind == ON_NODE && i < sizeof(nodes) / sizeof(*nodes); i++)
		if (!strcmp(path, nodes[i]))
			return true;
	return out->kind == ON_MANAGER;
}

void bus_object_each(struct engine *e, const struct bus_user *viewer,
	bool (*fn)(void *arg, const struct bus_object *o), void *arg)
{
	struct bus_object o;

	object_init(&o, e, viewer, ON_QUEUE);
	for (unsigned i = 0; engine_queue_at(e, i, &o.queue); i++)
		if (queue_path(&o, o.queue.config->name) && !fn(arg, &o))
			return;
	object_init(&o, e, viewer, ON_PRINTER);
	for (unsigned i = 0; engine_printer_at(e, i, &o.printer); i++) {
		if (!printer_seen(viewer, &o.printer))
			continue;
		printer_path(&o);
		if (!fn(arg, &o))
			return;
	}
	object_init(&o, e, viewer, ON_JOB);
	for (unsigned i = 0; engine_job_at(e, i, &o.job); i++) {
		if (!bus_user_sees(viewer, o.job.row->owner))
			continue;
		bus_job_path(o.path, o.job.row->id);
		if (!fn(arg, &o))
			return;
	}
}

void bus_tally(
	struct engine *e, const struct bus_user *viewer, const char *queue, struct bus_tally *out)
{
	struct engine_job job;

	*out = (struct bus_tally){0};
	for (unsigned i = 0; engine_job_at(e, i, &job); i++) {
		const struct store_job *row = job.row;

		if (!bus_user_sees(viewer, row->owner) || (queue && strcmp(queue, row->queue) != 0))
			continue;
		if (job_is_final(row->state))
			continue;
		out->octets += row->file_octets;
		if (row->state == JOB_UNKNOWN)
			out->unknown++;
		else if (row->state == JOB_PENDING || row->state == JOB_HELD)
			out->waiting++;
		else
			out->delivering++;
	}
}
