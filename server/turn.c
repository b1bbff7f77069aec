/* SPDX-License-Identifier: Apache-2.0 */
/* turn - see turn.h: a lock with numbers, as at a counter. */
#include "turn.h"

#include <pthread.h>
#include <stdint.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static uint64_t next, serving;

void turn_take(void)
{
	uint64_t mine;

	pthread_mutex_lock(&lock);
	mine = next++;
	while (serving != mine)
		pthread_cond_wait(&moved, &lock);
	pthread_mutex_unlock(&lock);
}

void turn_give(void)
{
	pthread_mutex_lock(&lock);
	serving++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
}
