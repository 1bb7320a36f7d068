/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Radio silence as it runs: a request is stored, then told on the bus (topic RadioSilence), then
 * waited for (topics WwanRadio and WlanRadio). No timer but while something is waited for.
 */
#pragma once

#include "nim/facts.h"

struct arena;
struct daemon;
struct ps;
struct radio_run;
struct Ew__RadioStatus;

struct radio_run_conf {
	struct daemon *daemon; /* folders, loop, and the control command "radio" */
	struct ps *ps;
	void (*changed)(void *arg); /* status and facts have news; from the loop */
	void *arg;
};

int radio_run_new(const struct radio_run_conf *conf, struct radio_run **ret);
struct radio_run *radio_run_free(struct radio_run *run); /* NULL is fine */

/* Configuration or time-out changed. Fills in nim_iface.radio_silent. */
void radio_run_apply(struct radio_run *run, const struct nim_config *config,
		     struct nim_facts *facts, unsigned int timeout_s);
/* What was asked for last, silence or not; *ret_ms names the request, 0: there was none. */
bool radio_run_requested(const struct radio_run *run, int64_t *ret_ms);
struct Ew__RadioStatus *radio_run_status(const struct radio_run *run, struct arena *arena);
