/* SPDX-License-Identifier: Apache-2.0 */
/* What conn-test is asked, and what it may answer. Pure. */
#pragma once

#include <stddef.h>

#include "nim/conn/conn_record.h"
#include "nim/conn/conn_settings.h"
#include "nim/conn/conntest.h"

struct arena;
struct Ew__ConnRequest;

#define CONN_PORT_ADDRS 4 /* of one family that are tried */

/* Asks for the ports whose indexes are in port[n], in this order. In the arena. A port with a PAC
 * file has no ways yet: pac_run() finds them. */
struct Ew__ConnRequest *conn_request(const struct conn_ports *ports, const unsigned int *port,
				     unsigned int n, const struct conn_settings *settings,
				     struct arena *arena);

struct conn_report {
	unsigned int port; /* index in the request */
	enum conn_report_kind {
		CONN_REPORT_VERDICT,
		CONN_REPORT_WARNING,
		CONN_REPORT_FAILURE,
		CONN_REPORT_PEER,
		CONN_REPORT_TRACE
	} kind;
	struct conn_peer peer;
	struct conn_result result;
	struct conn_reached reached; /* of a verdict that it passed */
	char text[sizeof(((struct conn_result *)NULL)->why)]; /* of a warning or failure */
	char *trace; /* of a trace, or of a verdict if it has one: whole lines, to be freed */
};

/* Foreign bytes: -EBADMSG when they are none for a request of nports ports. Text comes out as
 * printable ASCII, cut to what fits. */
int conn_report_read(const uint8_t *msg, size_t len, unsigned int nports, struct conn_report *ret);
