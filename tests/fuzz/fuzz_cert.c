/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, as DER and as PEM, and private keys: what is told of one is plain text that fits. */
#include <assert.h>
#include <string.h>

#include "base/cert.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_plain(const struct cert *cert)
{
	assert(strlen(cert->common_name) < sizeof(cert->common_name));
	assert(strlen(cert->uri) < sizeof(cert->uri));
	for (const char *at = cert->common_name; *at; at++)
		assert((unsigned char)*at >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size);
	struct cert cert;

	pem_key_is_anothers(text, text);
	if (cert_parse(data, size, &cert) == 0)
		is_plain(&cert);
	if (cert_parse_pem((const char *)data, size, &cert) == 0)
		is_plain(&cert);
	return 0;
}
