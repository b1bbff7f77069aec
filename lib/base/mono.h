/* SPDX-License-Identifier: Apache-2.0 */
/* mono - the clocks: CLOCK_MONOTONIC for durations, UTC for what is written down. */
#pragma once

#include <stdint.h>

int64_t mono_ms(void); /* milliseconds since some fixed point of this boot */
int64_t mono_utc_s(void); /* Unix time, seconds */
int64_t mono_boot_s(void); /* seconds of this boot, those asleep included */
