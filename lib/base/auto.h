/* SPDX-License-Identifier: Apache-2.0 */
/* auto - release a resource when its variable leaves scope. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((__cleanup__(fn)))

/* Hand a pointer on: yields its value and leaves NULL behind, so the scope's cleanup frees nothing. */
#define STEAL(p) \
	({ \
		__typeof__(p) kept_ = (p); \
		(p) = NULL; \
		kept_; \
	})

/* Defines fn_p(), the form AUTO() takes, from a release function that accepts NULL. */
#define AUTO_DEFINE(type, fn) \
	static inline void fn##p(type *p) \
	{ \
		if (*p) \
			fn(*p); \
	}

/* For char * and other plain heap memory: AUTO(auto_free) char *s = NULL; */
static inline void auto_free(void *p)
{
	free(*(void **)p);
}

/* For descriptors: AUTO(auto_close) int fd = -1; */
static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Hand a descriptor on, leaving -1 behind. */
#define STEAL_FD(fd) \
	({ \
		int kept_ = (fd); \
		(fd) = -1; \
		kept_; \
	})
