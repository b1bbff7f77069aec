/* SPDX-License-Identifier: Apache-2.0 */
/* turn - threads that write the database write in turn: first come, first served.
 *
 * SQLite's own lock goes to whoever asks at the right moment, which beside a busy writer may be never. Only among
 * threads of this process; other processes have SQLite's lock alone. */
#pragma once

void turn_take(void); /* waits for its turn */
void turn_give(void);
