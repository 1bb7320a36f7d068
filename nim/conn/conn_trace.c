/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_trace.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"

static void drop(struct conn_traces *traces, unsigned int i)
{
	traces->bytes -= strlen(traces->trace[i].text);
	free(traces->trace[i].text);
	traces->n--;
	memmove(&traces->trace[i], &traces->trace[i + 1],
		(traces->n - i) * sizeof(traces->trace[0]));
}

void conn_traces_put(struct conn_traces *traces, const char *label, enum conn_trace_kind kind,
		     const char *text, int64_t at_ms)
{
	struct conn_trace *trace;

	for (unsigned int i = traces->n; i-- > 0;)
		if (traces->trace[i].kind == kind && strcmp(traces->trace[i].label, label) == 0)
			drop(traces, i);
	while (traces->n && traces->bytes + strlen(text) > CONN_TRACES)
		drop(traces, 0);
	traces->trace = xrealloc(traces->trace, traces->n + 1, sizeof(*traces->trace));
	trace = &traces->trace[traces->n++];
	*trace = (struct conn_trace){ .kind = kind, .at_ms = at_ms, .text = xstrdup(text) };
	snprintf(trace->label, sizeof(trace->label), "%s", label);
	traces->bytes += strlen(text);
}

static bool is_configured(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return true;
	return false;
}

void conn_traces_forget_others(struct conn_traces *traces, const struct nim_config *config)
{
	for (unsigned int i = traces->n; i-- > 0;)
		if (traces->trace[i].kind != CONN_TRACE_CANDIDATE &&
		    !is_configured(config, traces->trace[i].label))
			drop(traces, i);
}

static void print(const struct conn_trace *trace, FILE *out)
{
	static const char *const kinds[] = {
		[CONN_TRACE_PASSED] = "the last test that passed",
		[CONN_TRACE_FAILED] = "the last test that failed",
		[CONN_TRACE_CANDIDATE] = "the last test that failed of a configuration being tried",
	};
	_cleanup_(strbuf_fini) struct strbuf at = STRBUF_INIT;

	rfc3339_format(trace->at_ms / 1000, 0, &at);
	fprintf(out, "%s: %s, %s\n%s", trace->label, kinds[trace->kind], strbuf_str(&at),
		trace->text);
}

bool conn_traces_print(const struct conn_traces *traces, const char *label, FILE *out)
{
	bool any = false;

	for (unsigned int i = 0; i < traces->n; i++) {
		if (*label && strcmp(traces->trace[i].label, label) != 0)
			continue;
		fputs(any ? "\n" : "", out);
		print(&traces->trace[i], out);
		any = true;
	}
	return any;
}

void conn_traces_fini(struct conn_traces *traces)
{
	while (traces->n)
		drop(traces, traces->n - 1);
	free(traces->trace);
	*traces = (struct conn_traces){ 0 };
}
