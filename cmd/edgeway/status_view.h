/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What edgeway status shows: values of the bus become lines or JSON. How they are got is status.c's
 * business; here is neither bus nor terminal.
 *
 *	struct status s = { .daemons = daemons };
 *
 *	status_add(&s, &ps_topic_config_status, "global", data, len);
 *	status_print(&s, &(struct status_look){ .width = 80 }, stdout);
 *	status_fini(&s);
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "pubsub/ps.h"
#include "status.pb-c.h"

enum status_life {
	STATUS_ABSENT, /* does not run */
	STATUS_SILENT, /* runs and does not answer */
	STATUS_WAITING, /* answers, and has not told all it has: its own inputs are missing */
	STATUS_TELLS,
};

struct status_daemon {
	const char *name; /* borrowed */
	enum status_life life;
};

struct status_row { /* one value of one topic */
	const struct ps_topic *topic;
	char *key;
	ProtobufCMessage *msg;
};

struct status {
	const struct status_daemon *daemons; /* ended by name NULL; borrowed */
	struct status_row *rows;
	size_t n, room;
};

struct status_look {
	bool color;
	unsigned int width; /* of the terminal: longer lines go on below; 0: they stay whole */
};

/* Of a topic that status shows; a value that does not unpack (of another version) is left out. */
void status_add(struct status *s, const struct ps_topic *topic, const char *key, const void *data,
		size_t len);
void status_fini(struct status *s);

/* One line each, from the ground up: configuration, ports, instances, apps; by name within each.
 * Returns how many are bad. */
unsigned int status_print(struct status *s, const struct status_look *look, FILE *out);
/* The same for programs: {"daemons": {NAME: whether it answers}, "topics": [{"topic", "value"}]} */
void status_print_json(struct status *s, FILE *out);

const char *cli_dpc_source(Ew__DpcSource source); /* in words */
