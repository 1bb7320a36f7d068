/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator wants to know of an X.509 certificate (RFC 5280): whose it is and until when it
 * holds. Nothing is verified here: that is for those who trust in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cert {
	char common_name[128]; /* of the subject; "" = none */
	char uri[256]; /* the first one among its alternative names; "" = none */
	int64_t not_before_s, not_after_s; /* Unix time */
};

/* The first certificate of a PEM text. -ENOMSG: there is none; -EINVAL: it is damaged. A name that
 * is longer than its field, or no plain text, counts as none. */
int cert_parse_pem(const char *text, size_t len, struct cert *ret);
/* The same of DER. */
int cert_parse(const void *der, size_t len, struct cert *ret);

/* Whether a PEM text holds a private key that needs no password. */
bool pem_has_private_key(const char *text);
/* Whether that key (as above) belongs to another certificate than the first one of a PEM text.
 * False, too, when either is damaged or the key does not tell its public half, as those of Ed25519. */
bool pem_key_is_anothers(const char *cert, const char *key);
