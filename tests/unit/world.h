/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pretended system for tests of the engine: objects with needs, which refuses what comes out of
 * order, can fail, and can answer late. One item type per world, "thing".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp.h"

#define THING_NEEDS 4

struct thing {
	char name[16];
	int value; /* a change is a modify … */
	int shape; /* … of this one a recreate */
	struct {
		char name[16]; /* "": none */
		uint8_t flags; /* enum dp_need_flags */
		bool positive; /* its value has to be above 0 */
	} needs[THING_NEEDS];
};
extern const struct dp_type thing_type;
extern const struct dp_type *const thing_types[];
extern const struct dp_backend *const no_backends[];

#define WORLD_THINGS 64
struct world {
	struct thing thing[WORLD_THINGS]; /* name "": free */
	bool foreign[WORLD_THINGS]; /* not made by the engine */
	struct dp_op *late[WORLD_THINGS]; /* operations that answer when told to */
	struct thing late_want[WORLD_THINGS];
	int late_kind[WORLD_THINGS]; /* 'c', 'm', 'r' */
	unsigned int lates;
	unsigned int creates, modifies, removes, cancels;
	unsigned int fail_percent, late_percent;
	uint64_t seed;
	char broken[160]; /* the first rule the engine broke; "" = none */
	char log[4096]; /* "+a ~b -c " */
	char fails[16]; /* name whose operations fail */
};
extern struct world world; /* item types have no other way to find it */

void world_reset(uint64_t seed);
struct thing *world_find(const char *name);
void world_put(const struct thing *t, bool foreign); /* somebody else makes or changes it */
void world_drop(const char *name); /* somebody else removes it, with all that falls with it */
void world_answer(unsigned int late); /* lets a late operation happen and answer */
unsigned int world_random(unsigned int below);
