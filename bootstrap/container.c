/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/container.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define AUTH(name) Org__Lfedge__Eve__Auth__##name
#define CERT_TYPE(name) ORG__LFEDGE__EVE__CERTS__ZCERT_TYPE__CERT_TYPE_CONTROLLER_##name
#define HASH(name) ORG__LFEDGE__EVE__COMMON__HASH_ALGORITHM__HASH_ALGORITHM_SHA256_##name

static int refuse(struct pbjson_error *err, const char *pointer, const char *why)
{
	snprintf(err->pointer, sizeof(err->pointer), "%s", pointer);
	snprintf(err->why, sizeof(err->why), "%s", why);
	return -EINVAL;
}

static int refuse_cert(struct pbjson_error *err, size_t i, const char *why)
{
	_cleanup_(freep) char *pointer = xasprintf("/controller_certs/%zu", i);

	return refuse(err, pointer, why);
}

/* The length counts, as in EVE; algo has to go with it. */
static int check_hash(const AUTH(AuthContainer) * signed_config, struct pbjson_error *err)
{
	size_t len = signed_config->sendercerthash.len;

	if (signed_config->algo != HASH(16BYTES) && signed_config->algo != HASH(32BYTES))
		return refuse(err, "/signed_config/algo", "no hash algorithm that is known");
	if (len != (signed_config->algo == HASH(16BYTES) ? 16u : 32u))
		return refuse(err, "/signed_config/senderCertHash",
			      "of another length than algo says");
	return 0;
}

static int take_signed(struct container *c, struct pbjson_error *err)
{
	const AUTH(AuthContainer) *signed_config = c->msg->signed_config;
	int r;

	if (!signed_config)
		return refuse(err, "/signed_config", "missing");
	if (signed_config->cipherdata)
		return refuse(err, "/signed_config/cipherData",
			      "encrypted, for which a device has no key yet");
	if (!signed_config->protectedpayload || !signed_config->protectedpayload->payload.len)
		return refuse(err, "/signed_config/protectedPayload", "missing");
	if (!signed_config->signaturehash.len)
		return refuse(err, "/signed_config/signatureHash", "missing");
	r = check_hash(signed_config, err);
	if (r < 0)
		return r;
	c->payload = &signed_config->protectedpayload->payload;
	c->signature = &signed_config->signaturehash;
	c->signer_hash = &signed_config->sendercerthash;
	return 0;
}

static int take_certs(struct container *c, struct pbjson_error *err)
{
	if (c->msg->n_controller_certs > BOOTSTRAP_CERTS_MAX)
		return refuse(err, "/controller_certs", "more than 32");
	for (size_t i = 0; i < c->msg->n_controller_certs; i++) {
		const Org__Lfedge__Eve__Certs__ZCert *cert = c->msg->controller_certs[i];

		if (cert->type == CERT_TYPE(INTERMEDIATE) || cert->type == CERT_TYPE(ECDH_EXCHANGE))
			continue;
		if (cert->type != CERT_TYPE(SIGNING))
			return refuse_cert(err, i, "of a type that no controller has");
		if (c->signer)
			return refuse_cert(err, i, "a second signing certificate");
		c->signer = &cert->cert;
		c->signer_index = i;
	}
	return c->signer ? 0 : refuse(err, "/controller_certs", "no signing certificate");
}

int container_parse(const void *data, size_t len, struct container *ret, struct pbjson_error *err)
{
	struct container c = { 0 };
	int r;

	if (len > BOOTSTRAP_FILE_MAX) {
		refuse(err, "", "larger than 1 MiB");
		return -E2BIG;
	}
	c.msg = org__lfedge__eve__config__bootstrap_config__unpack(NULL, len, data);
	if (!c.msg || (!c.msg->signed_config && !c.msg->n_controller_certs)) {
		container_fini(&c);
		return refuse(err, "", "not a BootstrapConfig");
	}
	r = take_signed(&c, err);
	if (r == 0)
		r = take_certs(&c, err);
	if (r < 0)
		container_fini(&c);
	else
		*ret = c;
	return r;
}

void container_fini(struct container *c)
{
	org__lfedge__eve__config__bootstrap_config__free_unpacked(c->msg, NULL);
	c->msg = NULL;
}
