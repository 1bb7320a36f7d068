/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsrelay/message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NOTIMP = 4, RCODE_REFUSED = 5 };

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

uint16_t dns_id(const uint8_t *msg)
{
	return (uint16_t)get16(msg);
}

void dns_set_id(uint8_t *msg, uint16_t id)
{
	msg[0] = (uint8_t)(id >> 8);
	msg[1] = (uint8_t)id;
}

static bool is_answer(const uint8_t *msg)
{
	return msg[2] & 0x80;
}

static unsigned int opcode(const uint8_t *msg)
{
	return msg[2] >> 3 & 15;
}

static unsigned int rcode(const uint8_t *msg)
{
	return msg[3] & 15;
}

/* A dot within a label must not pass for one between labels. */
static char name_char(uint8_t byte)
{
	return isalnum(byte) || byte == '-' || byte == '_' ? (char)byte : '?';
}

int dns_query_parse(const uint8_t *msg, size_t len, struct dns_question *ret)
{
	size_t at = DNS_HEADER, n = 0;

	if (len < DNS_HEADER || is_answer(msg) || get16(msg + 4) != 1)
		return -EBADMSG;
	while (at < len && msg[at]) {
		size_t label = msg[at++];

		/* No compression: there is nothing before it to point at. */
		if (label > 63 || label > len - at || n + label + 1 >= sizeof(ret->name))
			return -EBADMSG;
		if (n)
			ret->name[n++] = '.';
		while (label--)
			ret->name[n++] = name_char(msg[at++]);
	}
	if (len - at < 5) /* the root, type, class */
		return -EBADMSG;
	ret->name[n] = '\0';
	ret->end = at + 5;
	return 0;
}

/* Servers may answer in another case than they were asked. Lengths of labels are below 'A'. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = DNS_HEADER; i < len; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

enum dns_verdict dns_reply_judge(const uint8_t *reply, size_t len, uint16_t id,
				 const uint8_t *query, const struct dns_question *question)
{
	bool failure;

	if (len < DNS_HEADER || !is_answer(reply) || dns_id(reply) != id ||
	    opcode(reply) != opcode(query))
		return DNS_NO_ANSWER;
	failure = rcode(reply) == RCODE_SERVFAIL || rcode(reply) == RCODE_REFUSED ||
		  rcode(reply) == RCODE_NOTIMP || rcode(reply) == RCODE_FORMERR;
	if (get16(reply + 4) == 0 && failure) /* some leave the question out then */
		return DNS_FAILURE;
	if (get16(reply + 4) != 1 || len < question->end ||
	    !same_question(reply, query, question->end))
		return DNS_NO_ANSWER;
	return failure ? DNS_FAILURE : DNS_ANSWER;
}

void dns_make_failure(uint8_t *msg)
{
	msg[2] = (uint8_t)((msg[2] & 0x79) | 0x80); /* opcode and RD stay */
	msg[3] = 0x80 | RCODE_SERVFAIL; /* RA */
	memset(msg + 6, 0, DNS_HEADER - 6); /* nothing but the question */
}
