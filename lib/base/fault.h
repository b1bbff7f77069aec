/* SPDX-License-Identifier: Apache-2.0 */
/* fault - points at which a test kills the program, as a power cut would; nothing at all in what is installed. */
#pragma once

#ifdef STILLPRINT_FAULTS
/** fault_point() - kill -9 this process if STILLPRINT_FAULT names @point (a list, separated by commas)
 * Each name kills once per file "STILLPRINT_FAULT_DIR/<point>", so that a restarted daemon gets past it. */
void fault_point(const char *point);
#else
static inline void fault_point(const char *point)
{
	(void)point;
}
#endif
