/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of nim/conn/conntest.h. */
#pragma once

#include "base/list.h"
#include "nim/conn/conn_record.h"
#include "nim/conn/conn_settings.h"
#include "nim/conn/conn_trace.h"
#include "nim/conn/conntest.h"

struct event;
struct pacs;
struct Ew__ConnRequest;

struct conntest {
	struct conntest_conf conf;
	struct list rounds;
	struct conn_record *records; /* of configured ports that were tested */
	unsigned int nrecords;
	struct conn_traces traces;
	struct conn_settings settings;
	struct mono tested_at;
	bool spared_in_vain;
	char *program; /* path of conn-test */
	struct pacs *pacs;
};

struct conn_round_port {
	char label[NIM_LABEL];
	struct conn_result result;
	struct conn_reached reached;
	struct conn_peer peers[CONN_PEERS];
	unsigned int npeers;
	bool known, told, warned;
	bool spared; /* nothing was sent: the result is that of before */
	char warning[sizeof(((struct conn_result *)NULL)->why)]; /* if it was warned of */
};

struct conn_round {
	struct list link;
	struct conntest *ct;
	const struct conn_round_ops *ops; /* NULL: all is told, warnings may follow */
	void *arg;
	bool kept; /* over the running configuration: results are recorded */
	struct event *tell_ev;
	char failure[sizeof(((struct conn_result *)NULL)->why)];
	struct list asked; /* nim/conn/conn_asked.h: what is under way */
	unsigned int remote[NIM_PORTS]; /* ports that need nothing but conn-test */
	unsigned int nremote;
	unsigned int nports;
	struct conn_round_port ports[]; /* in the order of the configuration */
};

/* It is told at the end of this turn. Of a port that is known already: nothing happens. reached
 * NULL: nothing was. */
void conn_round_know(struct conn_round *round, unsigned int port, const struct conn_result *result,
		     const struct conn_reached *reached);
/* It passed, but. Of a port that is not told yet: with its result. */
void conn_round_add_peer(struct conn_round *round, unsigned int i, const struct conn_peer *peer);
void conn_round_warn(struct conn_round *round, unsigned int port, const char *text);
/* What was done for a port that is known; "": nothing. */
void conn_round_trace(struct conn_round *round, unsigned int port, const char *text);
/* One of round->asked is gone; failure NULL: as it should. The round may be gone now. */
void conn_round_asked_ended(struct conn_round *round, const char *failure);
