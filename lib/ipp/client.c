/* SPDX-License-Identifier: Apache-2.0 */
/* client - IPP over HTTP(S) by libcurl's multi interface on sd-event. What one request looks like to libcurl, and what
 * libcurl's codes mean, is in call.c; here are the loop, the lists and the life of a call. */
#include "ipp/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "core/wire.h"
#include "ipp/call.h"

enum { IDLE_CONNECTIONS = 8, TICK_LONGEST_MS = 1000, TICK_SHORTEST_MS = 20, TICKS_PER_STALL = 4 };

struct client {
	sd_event *loop;
	CURLM *multi;
	sd_event_source *timer;
	struct client_call *calls; /* every call whose callback has not returned */
	struct stat certificate, ca; /* of the identity used last */
	unsigned turn; /* counts its changes */
};

static int watch_tick(sd_event_source *source, uint64_t usec, void *arg);
static void collect(struct client *c);

static int timer_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct client *c = arg;
	int running;

	(void)source;
	(void)usec;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
	return 0;
}

/* libcurl: "call me in @ms", only noted here; it may be asking from within one of its own functions. */
static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct client *c = arg;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(c->timer, (uint64_t)ms * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int socket_ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct client *c = arg;
	int action = 0, running;

	(void)source;
	if (revents & EPOLLIN)
		action |= CURL_CSELECT_IN;
	if (revents & EPOLLOUT)
		action |= CURL_CSELECT_OUT;
	if (revents & (EPOLLERR | EPOLLHUP))
		action |= CURL_CSELECT_ERR | CURL_CSELECT_IN;
	curl_multi_socket_action(c->multi, fd, action, &running);
	collect(c);
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *per_socket)
{
	struct client *c = arg;
	sd_event_source *source = per_socket;
	struct client_call *call = NULL;
	uint32_t events = 0;

	/* CURLINFO_ACTIVESOCKET tells only at the end. */
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	if (call && what != CURL_POLL_REMOVE)
		call->fd = fd;
	else if (call && call->fd == fd)
		call->fd = -1;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		events |= EPOLLOUT;
	if (source)
		return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
	if (sd_event_add_io(c->loop, &source, fd, events, socket_ready, c) < 0)
		return -1;
	if (curl_multi_assign(c->multi, fd, source)) {
		sd_event_source_disable_unref(source);
		return -1;
	}
	return 0;
}

int client_new(sd_event *loop, struct client **out)
{
	AUTO(client_freep) struct client *c = NULL;
	const curl_version_info_data *have;
	int rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	have = curl_version_info(CURLVERSION_NOW);
	/* Without a threaded resolver each look-up would stop the whole loop. */
	if (!(have->features & CURL_VERSION_ASYNCHDNS) || !(have->features & CURL_VERSION_SSL))
		return -EOPNOTSUPP;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->loop = sd_event_ref(loop);
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	/* Accuracy of 1 ms: sd-event's default gathers timers within 250 ms. */
	rc = sd_event_add_time_relative(loop, &c->timer, CLOCK_MONOTONIC, 0, 1000, timer_due, c);
	if (rc < 0)
		return rc;
	sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	if (curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
		curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) ||
		curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
		curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) ||
		curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) ||
		curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS))
		return -ENOMEM;
	*out = STEAL(c);
	return 0;
}

static void drop(struct client_call *call)
{
	struct client *c = call->client;
	struct client_call **at;

	for (at = &c->calls; *at; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			break;
		}
	sd_event_source_disable_unref(call->watch);
	if (call->added)
		curl_multi_remove_handle(c->multi, call->easy);
	call_free(call);
}

void client_free(struct client *c)
{
	if (!c)
		return;
	while (c->calls)
		drop(c->calls);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	sd_event_source_disable_unref(c->timer);
	sd_event_unref(c->loop);
	free(c);
}

void client_leave(struct client_call *call)
{
	curl_multi_remove_handle(call->client->multi, call->easy);
	call->added = false;
}

static void finish(struct client_call *call, CURLcode code)
{
	sd_event_source_set_enabled(call->watch, SD_EVENT_OFF);
	call->ended = true;
	call->tell(call, code);
	drop(call);
}

/* Hands out what libcurl has finished. One at a time, as a callback may start and cancel other calls. */
static void collect(struct client *c)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		struct client_call *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, code);
	}
}

/* Looks whether octets moved since the last time, and ends the call when none did for too long. */
static int watch_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct client_call *call = arg;

	(void)usec;
	if (call_is_stalled(call)) {
		finish(call, CURLE_OPERATION_TIMEDOUT);
		return 0;
	}
	sd_event_source_set_time_relative(source, (uint64_t)call->tick_ms * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static bool is_other(const struct stat *now, const struct stat *before)
{
	return now->st_dev != before->st_dev || now->st_ino != before->st_ino ||
	       now->st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now->st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Another certificate, or other CAs, than at the last time is told by its file: renewed by us or by another process. */
unsigned client_turn(struct client *c, const struct client_identity *id)
{
	struct stat now = {0}, ca = {0};

	if (!id || !id->cert_file || stat(id->cert_file, &now) < 0 || stat(id->ca_file, &ca) < 0)
		return c->turn;
	if (is_other(&now, &c->certificate) || is_other(&ca, &c->ca))
		c->turn++;
	c->certificate = now;
	c->ca = ca;
	return c->turn;
}

int client_start(struct client *c, struct client_call *call, struct client_call **out)
{
	int rc;

	call->client = c;
	call->tick_ms = call->stall_ms / TICKS_PER_STALL;
	if (call->tick_ms > TICK_LONGEST_MS)
		call->tick_ms = TICK_LONGEST_MS;
	if (call->tick_ms < TICK_SHORTEST_MS)
		call->tick_ms = TICK_SHORTEST_MS;
	rc = sd_event_add_time_relative(c->loop, &call->watch, CLOCK_MONOTONIC,
		(uint64_t)call->tick_ms * 1000, 1000, watch_tick, call);
	if (rc < 0) {
		call_free(call);
		return rc;
	}
	call->next = c->calls;
	c->calls = call;
	if (curl_multi_add_handle(c->multi, call->easy)) {
		drop(call);
		return -ENOMEM;
	}
	call->added = true;
	if (out)
		*out = call;
	return 0;
}

static void tell_reply(struct client_call *call, CURLcode code)
{
	struct client_reply reply;

	call_reply(call, code, &reply);
	client_leave(call);
	call->done(call->done_arg, &reply);
	ippDelete(reply.ipp);
}

int client_send(struct client *c, const struct client_request *r, client_done_fn *done, void *arg,
	struct client_call **out)
{
	struct client_call *call;
	int rc;

	if (!r->ipp)
		return -EINVAL;
	rc = call_new(r, client_turn(c, r->identity), &call);
	if (rc)
		return rc;
	call->tell = tell_reply;
	call->done = done;
	call->done_arg = arg;
	return client_start(c, call, out);
}

void client_cancel(struct client_call *call)
{
	/* Its own callback is running: finish() drops it. */
	if (call->ended)
		return;
	drop(call);
}
