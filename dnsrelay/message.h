/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages (RFC 1035 section 4), as far as one has to look at them to pass them on. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsrelay/conf.h"

#define DNS_HEADER 12

struct dns_question {
	char name
		[DNS_NAME]; /* without the dot at the end; what is no host name's character is '?' */
	size_t end; /* bytes of the message up to the end of the question */
};

enum dns_verdict {
	DNS_NO_ANSWER, /* not one to this query: pass over */
	DNS_ANSWER, /* the name, or that it does not exist */
	DNS_FAILURE, /* this server cannot tell: another one may */
};

/* 0; -EBADMSG: not a query with one question. */
int dns_query_parse(const uint8_t *msg, size_t len, struct dns_question *ret);

/* Judges what a server sent after the query went to it under that id. */
enum dns_verdict dns_reply_judge(const uint8_t *reply, size_t len, uint16_t id,
				 const uint8_t *query, const struct dns_question *question);

uint16_t dns_id(const uint8_t *msg);
void dns_set_id(uint8_t *msg, uint16_t id);

/* Makes the head of a query, question.end bytes, the answer "server failure" to it. */
void dns_make_failure(uint8_t *msg);
