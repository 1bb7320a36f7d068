/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at a chosen system call: the only instants at which the outside world can differ. */
#pragma once

#include <stdbool.h>

/* Runs fn(arg) in a child and kills it just before its n-th system call (from 1) after
 * kill_begin(). false: it ended by itself before. The child must not fail otherwise. */
bool kill_at(unsigned int n, void (*fn)(void *arg), void *arg);
void kill_begin(void); /* called by fn: count from here */
