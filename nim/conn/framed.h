/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a helper program, from its start to its end: it reads one request from its standard
 * input, a socket, and writes answers to it (conntest/wire.h). Whatever it does, nim hears of it and
 * goes on. What it writes elsewhere is logged when it has ended ("helper_said").
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct framed;
struct event_base;

struct framed_conf { /* borrowed for the call, but for name */
	const char *path;
	const char *name; /* of the program in failures, "the test program"; borrowed for good */
	const ProtobufCMessage *request;
	unsigned int limit_ms; /* then it is killed; more on a busy machine: child_more_ms() */
	unsigned int frames; /* more than so many of it are nonsense */
};

struct framed_ops {
	/* Foreign bytes, borrowed for the call. 0, and then framed_free() is allowed before; or
	 * -errno: they are nonsense, and with that it has failed. */
	int (*frame)(const uint8_t *msg, size_t len, void *arg);
	/* It is gone, and so is the helper. failure NULL: as it should; status as child_ops has it. */
	void (*ended)(const char *failure, int status, void *arg);
};

/* Calls back from the loop only. 0 or -errno. */
int framed_start(struct event_base *base, const struct framed_conf *conf,
		 const struct framed_ops *ops, void *arg, struct framed **ret);
/* It told so itself. Nothing more of it counts, ended() follows: within the call, if it is dead. */
void framed_fail(struct framed *h, const char *why);
/* Kills it; no callback follows. NULL is fine. */
struct framed *framed_free(struct framed *h);
