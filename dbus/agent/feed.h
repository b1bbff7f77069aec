/* SPDX-License-Identifier: Apache-2.0 */
/* feed - what org.stillprint tells this user, put on the desk; what he chooses there, told to org.stillprint. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/auto.h"
#include "desk.h"

struct feed;

int feed_new(sd_event *loop, struct feed **out);
void feed_free(struct feed *f);
AUTO_DEFINE(struct feed *, feed_free)
/* Before feed_attach(). */
void feed_set_desk(struct feed *f, struct desk *d);

void feed_attach(struct feed *f, sd_bus *system);
void feed_detach(struct feed *f);

/* For desk_new(): @arg is the feed. */
void feed_act(void *arg, const char *job, const char *key);
