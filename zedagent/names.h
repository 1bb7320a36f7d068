/* SPDX-License-Identifier: Apache-2.0 */
/* A set of names, each with the place it was given at and a number: uniqueness and references. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/hmap.h"

struct za_names {
	struct hmap map; /* all-zero is an empty set */
};

void za_names_fini(struct za_names *names);

/* Adds name (copied). NULL, or where the same name was added before; then nothing changes. */
const char *za_names_add(struct za_names *names, const char *name, const char *where, size_t value);

/* *ret_value: what was added with it. */
bool za_names_find(const struct za_names *names, const char *name, size_t *ret_value);
