/* SPDX-License-Identifier: Apache-2.0 */
/* releaser - a person who releases jobs at stillprint-server over one connection, and tells when.
 *
 *   releaser CA QUEUE-URI USER PASSWORD DEVICE    job numbers on stdin, one a line; for each, on stdout:
 *   JOB MICROSECONDS STATUS                       wall clock when Release-Job was handed to the network; status in hex
 * A first request makes the connection and has the password checked before any time counts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipp/client.h"
#include "ipp/holder.h"

enum { NO_ANSWER = 0xffff };

static sd_event *loop;
static struct client *client;
static int status;
static bool answered;

static void done(void *arg, const struct client_reply *reply)
{
	(void)arg;
	status = reply->fault == CLIENT_OK ? (int)reply->status : NO_ANSWER;
	if (reply->fault != CLIENT_OK)
		fprintf(stderr, "releaser: %s: %s\n", client_fault_name(reply->fault),
			reply->detail);
	answered = true;
}

static int ask(const struct client_identity *who, char **argv, ipp_t *ipp)
{
	struct client_request r = {.uri = argv[2],
		.identity = who,
		.repeatable = true,
		.user = argv[3],
		.password = argv[4],
		.total_ms = 10000,
		.ipp = ipp};
	int rc = client_send(client, &r, done, NULL, NULL);

	ippDelete(ipp);
	if (rc) {
		fprintf(stderr, "releaser: %s\n", strerror(-rc));
		return NO_ANSWER;
	}
	for (answered = false; !answered;)
		if (sd_event_run(loop, UINT64_MAX) < 0)
			return NO_ANSWER;
	return status;
}

int main(int argc, char **argv)
{
	struct client_identity who = {0};
	char line[64];
	int last = 0;

	if (argc != 6) {
		fputs("usage: releaser CA QUEUE-URI USER PASSWORD DEVICE\n", stderr);
		return 2;
	}
	who.ca_file = argv[1];
	signal(SIGPIPE, SIG_IGN);
	if (sd_event_new(&loop) < 0 || client_new(loop, &client))
		return 1;
	/* A number that nobody has: the answer is an error, and the connection is there. */
	if (ask(&who, argv, holder_release(argv[2], 1 << 30, argv[3], argv[5])) == NO_ANSWER)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		int job = atoi(line);
		struct timespec at;

		clock_gettime(CLOCK_REALTIME, &at);
		last = ask(&who, argv, holder_release(argv[2], job, argv[3], argv[5]));
		printf("%d %lld 0x%04x\n", job, (long long)at.tv_sec * 1000000 + at.tv_nsec / 1000,
			(unsigned)last);
		fflush(stdout);
	}
	client_free(client);
	sd_event_unref(loop);
	return last != 0;
}
