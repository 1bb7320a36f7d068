/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a JSON reader is, as a chain on its stack, so that nothing is formatted unless there is an
 * error to tell.
 */
#pragma once

#include <stddef.h>

struct json_place {
	const struct json_place *up; /* NULL: the document */
	const char *key; /* as written in the text; NULL: an array element */
	size_t index;
};

/* Writes the JSON pointer (RFC 6901: '~' is "~0", '/' is "~1") of a place, "" for the document.
 * What does not fit into size bytes (at least 1) is cut off. */
void json_place_format(const struct json_place *at, char *ret, size_t size);
