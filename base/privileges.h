/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up every capability but the listed ones. */
#pragma once

#include <stdint.h>

/*
 * caps ends with -1; NULL: keeps none. What is kept is kept in all sets, the ambient one too, so
 * that helper programs we execute have it whether we are root or not; and the bounding set shrinks
 * to it, so that they never get more. *ret_missing: a bit for each listed one we do not have.
 */
int privileges_keep(const int *caps, uint64_t *ret_missing);

/* Becomes nobody, without groups and capabilities. Who is root of a user namespace that maps nobody
 * else has no other user to become, and stays. */
int privileges_drop(void);
