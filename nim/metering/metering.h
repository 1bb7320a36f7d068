/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the bytes of metered ports, keeps the counts in the state folder, publishes
 * PortMeterStatus, and says which ports apps may not use because their quota is used up.
 *
 * One timer, and only while a port is metered. Between samples the kernel counts on: a killed nim
 * loses nothing as long as interface and boot are the same. A power cut loses what came since the
 * last write, a minute at most.
 */
#pragma once

#include "nim/facts.h"

struct control;
struct dp;
struct event_base;
struct metering;
struct ps;

struct metering_conf {
	struct event_base *base;
	struct dp *dp;
	struct ps *ps; /* PortMeterConfig is read and PortMeterStatus published here */
	const char *state_dir; /* for the call */
	const struct nim_config *config; /* both borrowed: the ports as they are at any time */
	const struct nim_facts *facts;
	void (*changed)(void *arg); /* metering_tell() has news; from the loop */
	/* Traffic goes out by that port and none comes back. */
	void (*one_way)(const char *label, void *arg);
	void *arg;
};

/* Loads what is kept: what was metered is metered on, until the bus says what is to be. A file
 * that cannot be used is set aside as PATH.bad. */
int metering_new(const struct metering_conf *conf, struct metering **ret);
struct metering *metering_free(struct metering *m); /* a last sample, written; NULL is fine */

/* Ports or links changed: a sample at the end of this turn. */
void metering_look(struct metering *m);
/* Fills in nim_iface.over_quota. facts: those of the configuration. */
void metering_tell(const struct metering *m, struct nim_facts *facts);
/* The command "sample", for those who want to read what is true now. */
void metering_control(struct metering *m, struct control *control);
