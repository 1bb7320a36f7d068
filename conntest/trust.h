/* SPDX-License-Identifier: Apache-2.0 */
/* Whom TLS trusts and what it shows: loaded once, while files can still be read. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

struct trace_attempt;
struct trust;

/*
 * The system's roots, and those of roots_file (PEM; NULL: none). cert_file may hold a chain; NULL:
 * there is none. 0, or -EINVAL with *ret_bad the file that is none.
 */
struct trust_files {
	const char *roots_file, *cert_file, *key_file;
};
int trust_new(const struct trust_files *files, struct trust **ret, const char **ret_bad);
/* Trusts the certificates of a PEM text, too. -EINVAL: there is none. */
int trust_add(struct trust *trust, const char *pem);
struct trust *trust_free(struct trust *trust); /* NULL is fine */

/* To make one handle verify by this: TLS 1.2 at least, EVE's suites, chain and dates by the roots,
 * and name. show: the certificate is shown to who asks for it. trust is borrowed while it runs. */
struct trust_use {
	const struct trust *trust;
	const char *host; /* that the server's certificate has to be for */
	bool is_address; /* host is one */
	bool show;
	/* Of a proxy that is itself spoken to by TLS; NULL: there is none such. Behind it, host is
	 * spoken to by TLS if tunnel. */
	const char *proxy;
	bool proxy_is_address, tunnel;
	struct trace_attempt *trace; /* is told what certificates are shown; NULL: nobody is */
};
void trust_apply(CURL *easy, const struct trust_use *use);
