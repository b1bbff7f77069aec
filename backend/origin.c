/* SPDX-License-Identifier: Apache-2.0 */
/* origin - see origin.h. */
#include "origin.h"

#include <cups/cups.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool copy_whole(char *out, size_t size, const char *in)
{
	if (!in || strlen(in) >= size)
		return false;
	strcpy(out, in); /* fits */
	return true;
}

/* Reads @count fields after the command name of /proc/PID/stat; that name may hold blanks and parentheses itself. */
static bool parent_start_ticks(pid_t pid, unsigned long long *ticks)
{
	char path[64], text[1024], *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) /* proc(5): starttime is field 22 */
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", ticks) == 1;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The boot is part of it: a machine that always boots alike starts cupsd at the same tick under the same pid. */
static void read_run(struct envelope *e)
{
	unsigned long long ticks = 0;
	pid_t parent = getppid();
	long hz = sysconf(_SC_CLK_TCK);
	char boot[9] = "";
	FILE *f;

	if (parent_start_ticks(parent, &ticks) && hz > 0)
		e->run_started_s =
			(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME)) / 1000000000 +
			(int64_t)(ticks / (unsigned long)hz);
	f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (f && !fgets(boot, sizeof(boot), f))
		boot[0] = '\0';
	if (f)
		fclose(f);
	snprintf(e->cups_run, sizeof(e->cups_run), "%d-%llu-%s", (int)parent, ticks, boot);
}

static void make_uuid(char *out, size_t size)
{
	unsigned char u[16];

	randombytes_buf(u, sizeof(u));
	u[6] = (unsigned char)((u[6] & 0x0f) | 0x40); /* RFC 9562 5.4 */
	u[8] = (unsigned char)((u[8] & 0x3f) | 0x80);
	snprintf(out, size,
		"urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		u[13], u[14], u[15]);
}

static int64_t option_time(const char *name, int count, cups_option_t *options)
{
	const char *text = cupsGetOption(name, count, options);

	return text ? strtoll(text, NULL, 10) : 0;
}

int origin_read(char **argv, bool raw, struct envelope *out)
{
	const char *queue = getenv("PRINTER"), *type = getenv("CUPS_FILETYPE"),
		   *format = getenv("CONTENT_TYPE");
	const char *host, *uuid;
	struct envelope e = {.raw = raw};
	cups_option_t *options = NULL;
	int count;

	e.handed_ns = clock_ns(CLOCK_REALTIME);
	e.cups_job_id = (int32_t)strtol(argv[1], NULL, 10);
	e.copies = (int32_t)strtol(argv[4], NULL, 10);
	e.banner = type && !strcmp(type, "job-sheet");
	snprintf(e.title, sizeof(e.title), "%s", argv[3]);
	read_run(&e);
	make_uuid(e.document_uuid, sizeof(e.document_uuid));

	count = cupsParseOptions(argv[5], 0, &options);
	host = cupsGetOption("job-originating-host-name", count, options);
	uuid = cupsGetOption("job-uuid", count, options);
	snprintf(e.host, sizeof(e.host), "%s", host ? host : "");
	snprintf(e.job_uuid, sizeof(e.job_uuid), "%s", uuid ? uuid : "");
	e.created_s = option_time("time-at-creation", count, options);
	e.processing_s = option_time("time-at-processing", count, options);
	cupsFreeOptions(count, options);

	/* A name that was cut short would be somebody else's. */
	if (e.cups_job_id < 1 || !copy_whole(e.owner, sizeof(e.owner), argv[2]) ||
		!copy_whole(e.queue, sizeof(e.queue), queue ? queue : getenv("CLASS")) ||
		!copy_whole(e.format, sizeof(e.format), raw && format ? format : "application/pdf"))
		return ORIGIN_E_MISSING;
	*out = e;
	return 0;
}
