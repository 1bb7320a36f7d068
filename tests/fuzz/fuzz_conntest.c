/* SPDX-License-Identifier: Apache-2.0 */
/* What conn-test may say → frames and reports that nim believes. Nothing it says is out of range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "conntest/trace.h"
#include "conntest/wire.h"
#include "nim/conn/conn_request.h"
#include "nim/conn/conn_trace.h"

#define PORTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void must_be_plain(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	must(len < room);
	for (size_t i = 0; i < len; i++)
		must(text[i] >= ' ' && text[i] <= '~');
}

static void check(const uint8_t *msg, size_t len)
{
	struct conn_report report;

	if (conn_report_read(msg, len, PORTS, &report) < 0)
		return;
	must(report.trace || report.kind != CONN_REPORT_TRACE);
	must(!report.trace || report.kind == CONN_REPORT_TRACE ||
	     report.kind == CONN_REPORT_VERDICT);
	must(!report.trace || strlen(report.trace) <= CONN_TRACE);
	free(report.trace);
	must(report.kind == CONN_REPORT_FAILURE || report.port < PORTS);
	must_be_plain(report.text, sizeof(report.text));
	must_be_plain(report.reached.target, sizeof(report.reached.target));
	must_be_plain(report.reached.proxy, sizeof(report.reached.proxy));
	must_be_plain(report.result.why, sizeof(report.result.why));
	if (report.kind == CONN_REPORT_PEER)
		must(ipaddr_is_set(&report.peer.addr) && report.peer.port &&
		     report.peer.port <= UINT16_MAX);
	if (report.kind != CONN_REPORT_VERDICT)
		return;
	must(report.result.outcome > CONN_UNTESTED && report.result.outcome <= CONN_FAILED);
	must((report.result.outcome == CONN_OK) == (report.result.stage == CONN_STAGE_DONE));
}

/* Heads of foreign servers: no longer than they were but for what stands for the rest. */
static void check_header(const char *line, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	trace_header(line, len, &out);
	must(out.len <= len + strlen(" ***"));
	strbuf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_header((const char *)data, size);
	check(data, size);
	for (;;) {
		int frame = conn_wire_next(data, size);

		if (frame <= 0)
			return 0;
		must((size_t)frame <= size && frame >= CONN_WIRE_HEAD);
		check(data + CONN_WIRE_HEAD, (size_t)frame - CONN_WIRE_HEAD);
		data += frame;
		size -= (size_t)frame;
	}
}
