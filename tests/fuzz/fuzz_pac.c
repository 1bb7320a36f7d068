/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PAC file may return, what pac-eval may be asked, what it and conn-test may say. By the
 * first byte; what is taken is in range, and what is told of it printable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pac.h"
#include "base/strbuf.h"
#include "cmd/pac-eval/ask.h"
#include "conntest.pb-c.h"
#include "nim/conn/conn_trace.h"
#include "nim/proxy/pac_eval.h"
#include "nim/proxy/pac_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void check_ways(const struct http_proxy *ways, unsigned int n)
{
	must(n >= 1 && n <= HTTP_PROXY_WAYS);
	for (unsigned int i = 0; i < n; i++) {
		struct strbuf name = STRBUF_INIT;
		struct http_proxy again;

		must(ways[i].kind <= HTTP_PROXY_DIRECT && !ways[i].user[0]);
		http_proxy_name(ways[i].kind, ways[i].url.host, ways[i].url.port, &name);
		if (ways[i].kind != HTTP_PROXY_DIRECT) {
			must(ways[i].url.port && ways[i].url.host[0]);
			must(http_proxy_of(ways[i].url.host, ways[i].url.port, ways[i].kind,
					   &again) == 0);
		}
		strbuf_fini(&name);
	}
}

static void check_result(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size);
	struct http_proxy ways[HTTP_PROXY_WAYS];
	unsigned int n;

	pac_asks_for_names(text, strlen(text));
	must(pac_max_age_s(text) <= PAC_AGE_MAX_S);
	pac_is_type(text);
	if (pac_result_parse(text, ways, &n) == 0)
		check_ways(ways, n);
}

static void check_decode(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size), *file = NULL;

	if (pac_text_decode(text, &file) == 0)
		must(*file && strlen(file) <= size);
}

static void check_ask(const uint8_t *data, size_t size)
{
	static struct ask ask;

	if (ask_read(data, size, &ask) < 0)
		return;
	must(ask.nurls <= HTTP_URLS && ask.nnames <= ASK_NAMES && strlen(ask.text) <= size);
	for (unsigned int i = 0; i < ask.nnames; i++)
		must(ask.names[i].naddrs <= ASK_NAME_ADDRS);
	ask_fini(&ask);
}

static void check_reply(const uint8_t *data, size_t size)
{
	struct pac_ways ways[2];
	char why[PAC_WHY] = "";

	if (pac_reply_read(data, size, 2, ways, why) == 0)
		for (int i = 0; i < 2; i++)
			check_ways(ways[i].way, ways[i].n);
	must(strnlen(why, sizeof(why)) < sizeof(why));
	for (const char *c = why; *c; c++)
		must(*c >= ' ' && *c <= '~');
}

static void check_report(const uint8_t *data, size_t size)
{
	struct pac_report said = { .failure.outcome = CONN_UNTESTED };
	const struct conn_result *failure = &said.failure;

	if (pac_report_read(data, size, 2, &said) < 0)
		return;
	must(failure->outcome != CONN_OK && strnlen(failure->why, sizeof(failure->why)) < 160);
	if (said.trace)
		must(strlen(said.trace) <= CONN_TRACE);
	free(said.trace);
	if (!said.file)
		return;
	must(said.file->url < 2 && said.file->text.len && said.file->text.len <= PAC_TEXT_MAX);
	ew__conn_pac_file__free_unpacked(said.file, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 5) {
	case 0:
		check_result(data + 1, size - 1);
		break;
	case 1:
		check_decode(data + 1, size - 1);
		break;
	case 2:
		check_ask(data + 1, size - 1);
		break;
	case 3:
		check_reply(data + 1, size - 1);
		break;
	case 4:
		check_report(data + 1, size - 1);
		break;
	}
	return 0;
}
