/* SPDX-License-Identifier: Apache-2.0 */
/* What clients and servers send to dns-relay: the same bytes as query, as answer to one, as text of
 * its configuration. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "dnsrelay/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_query(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *msg = NULL;
	struct dns_question question;

	if (dns_query_parse(data, size, &question) < 0)
		return;
	assert(question.end <= size);
	msg = xmemdup(data, question.end);
	dns_make_failure(msg);
	assert(dns_reply_judge(msg, question.end, dns_id(data), data, &question) == DNS_FAILURE);
}

static void as_reply(const uint8_t *data, size_t size)
{
	static const uint8_t query[] = { 0x12, 0x34, 1, 0,   0, 1, 0, 0, 0, 0,
					 0,    0,    1, 'a', 0, 0, 1, 0, 1 };
	struct dns_question question;

	assert(dns_query_parse(query, sizeof(query), &question) == 0);
	if (dns_reply_judge(data, size, 0x1234, query, &question) != DNS_NO_ANSWER)
		assert(size >= DNS_HEADER && dns_id(data) == 0x1234);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	_cleanup_(freep) char *text = xcalloc(size + 1, 1);

	as_query(data, size);
	as_reply(data, size);
	memcpy(text, data, size);
	if (dns_conf_parse(text, conf) == 0)
		assert(conf->ndomains >= 1 && dns_conf_route(conf, text) < conf->ndomains);
	return 0;
}
