/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as JSON with one change. */
#pragma once

#include <jansson.h>

#include "tests/unit/za_config.h"

static inline json_t *za_test_child(json_t *parent, const char *key)
{
	return json_is_array(parent) ? json_array_get(parent, strtoul(key, NULL, 10))
				     : json_object_get(parent, key);
}

/* where: JSON pointer; "/-" at its end appends. */
static inline void za_test_change(json_t *root, const char *where, const char *value)
{
	json_t *new = json_loads(value, JSON_DECODE_ANY, NULL), *at = root;
	_cleanup_(freep) char *path = xstrdup(where + 1);
	char *key = path, *slash;

	assert_non_null(new);
	for (; (slash = strchr(key, '/')); key = slash + 1) {
		*slash = '\0';
		at = za_test_child(at, key);
		assert_non_null(at);
	}
	if (!json_is_array(at))
		json_object_set_new(at, key, new);
	else if (strcmp(key, "-") == 0)
		json_array_append_new(at, new);
	else
		assert_int_equal(json_array_set_new(at, strtoul(key, NULL, 10), new), 0);
}
