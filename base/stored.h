/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that outlives its daemon, so that a start waits for nobody:
 *
 *	<run-dir>/…          in place before it is acted on: after a kill -9
 *	<state-dir>/…[.2]    one or two durable copies, which nobody waits for: after a reboot, after
 *	                     damage to one
 *
 * Each ends with a line "#crc32 …" of what is above it, so that not even a bit that flipped in an
 * address is taken for somebody's wish. A text without that line is taken as it is. Of an empty one
 * there is no copy in the run directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/pbjson.h"

struct event_base;
struct stored;
struct strbuf;

#define STORED_MAX                                                                                 \
	(16u << 20) /* bytes; a list of port configurations with certificates may be large */

struct stored_conf {
	struct event_base *base;
	const char *run_path, *state_path; /* copied; their folders are made */
	unsigned int durable; /* copies: 1, or 2, the second with ".2" at its end */
};

int stored_new(const struct stored_conf *conf, struct stored **ret); /* 0 or -ENOMEM */
struct stored *stored_free(struct stored *s); /* NULL is fine; waits for the disk */

/* 0, or -errno with err filled in and nothing taken of the text. */
typedef int stored_parse_fn(const char *text, size_t len, void *arg, struct pbjson_error *err);

/* Hands the copies to parse, the newest first, until one is good, and mends the others; a bad one is
 * set aside as PATH.bad. One that could not be read (EIO, EMFILE, ENOMEM) may be good, and the newest:
 * it is left as it is. False: there is no good one. */
bool stored_load(const struct stored *s, stored_parse_fn *parse, void *arg);
/* Empties text. 0 or -errno of the copy in the run directory, of which then none is left; what cannot
 * be written is logged. */
int stored_put(struct stored *s, struct strbuf *text);
