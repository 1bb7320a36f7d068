/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/chain.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "bootstrap/container.h"

#define INTERMEDIATE ORG__LFEDGE__EVE__CERTS__ZCERT_TYPE__CERT_TYPE_CONTROLLER_INTERMEDIATE
#define AUTH_LEVEL 2 /* 112 bits: no SHA-1, no RSA key of 1024 bits */

struct chain {
	X509_STORE *roots;
	STACK_OF(X509) * between;
	X509 *leaves[BOOTSTRAP_CERTS_MAX]; /* with keys of the controller */
	size_t index[BOOTSTRAP_CERTS_MAX]; /* in controller_certs */
	size_t n;
	X509 *signer; /* one of them */
};

static int refuse_cert(struct pbjson_error *err, size_t i, const char *why)
{
	snprintf(err->pointer, sizeof(err->pointer), "/controller_certs/%zu", i);
	snprintf(err->why, sizeof(err->why), "%s", why);
	return -EINVAL;
}

static int refuse_roots(struct pbjson_error *err)
{
	err->pointer[0] = '\0';
	snprintf(err->why, sizeof(err->why),
		 "the device's root-certificate.pem is missing or no certificate");
	return -EINVAL;
}

/* Calls add for each certificate of the text. How many there were. */
static unsigned int each_cert(const void *pem, size_t len, void (*add)(X509 *cert, void *arg),
			      void *arg)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	unsigned int n = 0;
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		add(cert, arg);
		n++;
	}
	BIO_free(bio);
	return n;
}

static void add_root(X509 *cert, void *arg)
{
	X509_STORE_add_cert(arg, cert); /* takes a reference */
	X509_free(cert);
}

static void add_between(X509 *cert, void *arg)
{
	if (!sk_X509_push(arg, cert))
		abort();
}

static void add_leaf(X509 *cert, void *arg) /* the first one counts */
{
	X509 **leaf = arg;

	if (*leaf)
		X509_free(cert);
	else
		*leaf = cert;
}

static int load_cert(struct chain *chain, const Org__Lfedge__Eve__Certs__ZCert *in, size_t i,
		     struct pbjson_error *err)
{
	const ProtobufCBinaryData *pem = &in->cert;
	unsigned int n;

	if (in->type == INTERMEDIATE) {
		n = each_cert(pem->data, pem->len, add_between, chain->between);
	} else {
		n = each_cert(pem->data, pem->len, add_leaf, &chain->leaves[chain->n]);
		chain->index[chain->n] = i;
		chain->n += n ? 1 : 0;
	}
	return n ? 0 : refuse_cert(err, i, "no certificate in PEM");
}

int chain_new(const Org__Lfedge__Eve__Config__BootstrapConfig *msg, size_t signer_index,
	      const char *roots, struct chain **ret, struct pbjson_error *err)
{
	_cleanup_(chain_freep) struct chain *chain = xcalloc(1, sizeof(*chain));
	int r = 0;

	chain->roots = X509_STORE_new();
	chain->between = sk_X509_new_null();
	if (!chain->roots || !chain->between)
		abort();
	for (size_t i = 0; r == 0 && i < msg->n_controller_certs; i++) {
		r = load_cert(chain, msg->controller_certs[i], i, err);
		if (r == 0 && i == signer_index)
			chain->signer = chain->leaves[chain->n - 1];
	}
	if (r < 0)
		return r;
	if (!X509_get0_pubkey(chain->signer))
		return refuse_cert(err, signer_index, "its key is of no known kind");
	if (!each_cert(roots, strlen(roots), add_root, chain->roots))
		return refuse_roots(err);
	*ret = take_ptr(chain);
	return 0;
}

struct chain *chain_free(struct chain *chain)
{
	if (!chain)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(chain->leaves); i++)
		X509_free(chain->leaves[i]);
	sk_X509_pop_free(chain->between, X509_free);
	X509_STORE_free(chain->roots);
	free(chain);
	return NULL;
}

EVP_PKEY *chain_signer_key(const struct chain *chain)
{
	return X509_get0_pubkey(chain->signer);
}

static void common_name(X509 *cert, char *ret, size_t size)
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, ret, (int)size) <
	    0)
		ret[0] = '\0';
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~' || *c == '"')
			*c = '?';
}

void chain_signer_name(const struct chain *chain, char *ret, size_t size)
{
	common_name(chain->signer, ret, size);
}

/* ---- Verification ---- */

/* The certificate and what is wrong with it; with dates what they were compared with. */
static int tell(X509_STORE_CTX *ctx, size_t index, const int64_t *time_s, struct pbjson_error *err)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	char name[64] = "";

	if (cert)
		common_name(cert, name, sizeof(name));
	strbuf_addf(&why, "certificate %s: %s", name,
		    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	if (time_s) {
		strbuf_add(&why, "; the time is ");
		if (rfc3339_format(*time_s, 0, &why) < 0)
			strbuf_add(&why, "unknown");
	}
	return refuse_cert(err, index, strbuf_str(&why));
}

/*
 * openssl verify -partial_chain -purpose sslserver -auth_level 2 [-attime TIME | -no_check_time]
 *
 * As Go's x509 does it for EVE: who is in root-certificate.pem is trusted without being its own
 * issuer, and a certificate that is restricted in its use has to be for a server.
 */
static int verify(const struct chain *chain, size_t i, const int64_t *time_s,
		  struct pbjson_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int r = 0;

	if (!ctx || X509_STORE_CTX_init(ctx, chain->roots, chain->leaves[i], chain->between) != 1)
		abort();
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	if (time_s)
		X509_VERIFY_PARAM_set_time(param, (time_t)*time_s);
	else
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(ctx) != 1)
		r = tell(ctx, chain->index[i], time_s, err);
	X509_STORE_CTX_free(ctx);
	return r;
}

static int verify_all(const struct chain *chain, const int64_t *time_s, struct pbjson_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < chain->n; i++)
		r = verify(chain, i, time_s, err);
	return r;
}

int chain_check(const struct chain *chain, struct pbjson_error *err)
{
	return verify_all(chain, NULL, err);
}

int chain_check_dates(const struct chain *chain, int64_t time_s, struct pbjson_error *err)
{
	return verify_all(chain, &time_s, err);
}
