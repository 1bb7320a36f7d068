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
struct ps_pub;

struct metering_conf {
	struct event_base *base;
	struct dp *dp;
	struct ps_pub *pub; /* of PortMeterStatus */
	const char *state_dir; /* copied */
	void (*changed)(
		void *arg); /* metering_tell() has news; from the loop or metering_follow() */
	void *arg;
};

/* Loads what is kept. A file that does not parse is set aside as PATH.bad. */
int metering_new(const struct metering_conf *conf, struct metering **ret);
struct metering *metering_free(struct metering *m); /* a last sample, written; NULL is fine */

/* These are the ports now; what was counted of others is kept for two months. */
void metering_follow(struct metering *m, const struct nim_config *config,
		     const struct nim_facts *facts);
/* The interface came, went (ifindex 0) or changed: a sample at the end of this turn. */
void metering_link(struct metering *m, const struct nim_iface *iface);
/* Fills in nim_iface.over_quota. */
void metering_tell(const struct metering *m, const struct nim_config *config,
		   struct nim_facts *facts);
/* The command "sample", for those who want to read what is true now. */
void metering_control(struct metering *m, struct control *control);
