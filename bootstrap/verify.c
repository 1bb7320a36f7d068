/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/verify.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootstrap/chain.h"
#include "bootstrap/container.h"
#include "bootstrap/signature.h"
#include "evedevice.pb-c.h"

#define SHA256_SIZE 32

static void set_text(char **field, const char *text)
{
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = xstrdup(text);
}

static void set_bytes(ProtobufCBinaryData *field, const void *data, size_t len)
{
	field->data = xmemdup(data, len);
	field->len = len;
}

static Ew__BootstrapVerdict *verdict_new(void)
{
	Ew__BootstrapVerdict *verdict = xcalloc(1, sizeof(*verdict));

	ew__bootstrap_verdict__init(verdict);
	return verdict;
}

static void set_error(Ew__BootstrapVerdict *verdict, const char *pointer, const char *why)
{
	set_text(&verdict->error_pointer, pointer);
	set_text(&verdict->error, why);
}

Ew__BootstrapVerdict *bootstrap_verdict_error(const char *pointer, const char *why)
{
	Ew__BootstrapVerdict *verdict = verdict_new();

	set_error(verdict, pointer, why);
	return verdict;
}

static bool sha256(const void *data, size_t len, uint8_t hash[SHA256_SIZE])
{
	return EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) == 1;
}

/* Of the text, as it is, not of the certificate in it: so do EVE and its controllers. */
static int check_signer(const struct container *c, struct pbjson_error *err)
{
	uint8_t hash[SHA256_SIZE];

	if (sha256(c->signer->data, c->signer->len, hash) &&
	    memcmp(hash, c->signer_hash->data, c->signer_hash->len) == 0)
		return 0;
	snprintf(err->pointer, sizeof(err->pointer), "/signed_config/senderCertHash");
	snprintf(err->why, sizeof(err->why), "not that of the signing certificate");
	return -EINVAL;
}

static int check_signature(const struct container *c, const struct chain *chain,
			   struct pbjson_error *err)
{
	if (signature_is_good(chain_signer_key(chain), c->signature, c->payload))
		return 0;
	snprintf(err->pointer, sizeof(err->pointer), "/signed_config/signatureHash");
	snprintf(err->why, sizeof(err->why),
		 "the signing certificate's key has not signed this payload");
	return -EINVAL;
}

/* When certificates have to be valid. */
static int take_time(const struct container *c, int64_t now_s, int64_t *ret,
		     struct pbjson_error *err)
{
	Org__Lfedge__Eve__Config__EdgeDevConfig *config =
		org__lfedge__eve__config__edge_dev_config__unpack(NULL, c->payload->len,
								  c->payload->data);

	if (!config) {
		snprintf(err->pointer, sizeof(err->pointer), "/signed_config/protectedPayload");
		snprintf(err->why, sizeof(err->why), "not an EdgeDevConfig");
		return -EINVAL;
	}
	*ret = config->config_timestamp && config->config_timestamp->seconds > now_s
		       ? config->config_timestamp->seconds
		       : now_s;
	org__lfedge__eve__config__edge_dev_config__free_unpacked(config, NULL);
	return 0;
}

/* All but dates. */
static int check(const struct container *c, const struct chain *chain, struct pbjson_error *err)
{
	int r = check_signer(c, err);

	if (r == 0)
		r = check_signature(c, chain, err);
	if (r == 0)
		r = chain_check(chain, err);
	return r;
}

static void judge(const struct container *c, const struct bootstrap_input *in,
		  Ew__BootstrapVerdict *verdict, struct pbjson_error *err)
{
	_cleanup_(chain_freep) struct chain *chain = NULL;
	char name[128];
	int r = chain_new(c->msg, c->signer_index, in->roots, &chain, err);

	if (r < 0)
		return;
	chain_signer_name(chain, name, sizeof(name));
	set_text(&verdict->signer, name);
	r = check(c, chain, err);
	if (r == 0)
		r = take_time(c, in->now_s, &verdict->time_s, err);
	if (r < 0)
		return;
	set_bytes(&verdict->payload, c->payload->data, c->payload->len);
	verdict->only_dates = chain_check_dates(chain, verdict->time_s, err) < 0;
}

Ew__BootstrapVerdict *bootstrap_verify(const struct bootstrap_input *in)
{
	Ew__BootstrapVerdict *verdict = verdict_new();
	struct pbjson_error err = { "", "" };
	uint8_t hash[SHA256_SIZE];
	struct container c;

	if (sha256(in->file, in->len, hash))
		set_bytes(&verdict->sha256, hash, sizeof(hash));
	if (container_parse(in->file, in->len, &c, &err) == 0) {
		judge(&c, in, verdict, &err);
		container_fini(&c);
	}
	if (err.why[0])
		set_error(verdict, err.pointer, err.why);
	ERR_clear_error();
	return verdict;
}
