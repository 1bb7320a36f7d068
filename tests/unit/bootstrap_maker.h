/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes bootstrap-config.pb as a controller would: root, intermediate and signing certificate with
 * dates of choice, a payload, its signature.
 */
#pragma once

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "evebootstrap.pb-c.h"
#include "evedevice.pb-c.h"

#define MAKER_DAY 86400

struct maker_cert {
	EVP_PKEY *key;
	X509 *cert;
	char *pem;
	size_t pem_len;
};

struct maker {
	struct maker_cert root, between, signer;
};

static inline void maker_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

/* By NULL: by itself. Takes key. */
static inline struct maker_cert maker_cert(const char *name, const struct maker_cert *by, bool ca,
					   EVP_PKEY *key, int64_t from_s, int64_t to_s)
{
	struct maker_cert made = { .key = key, .cert = X509_new() };
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	X509_set_version(made.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), 7);
	ASN1_TIME_set(X509_getm_notBefore(made.cert), (time_t)from_s);
	ASN1_TIME_set(X509_getm_notAfter(made.cert), (time_t)to_s);
	X509_set_pubkey(made.cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made.cert, X509_get_subject_name(by ? by->cert : made.cert));
	if (ca)
		maker_extend(made.cert, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(made.cert, by ? by->key : key, EVP_sha256());
	PEM_write_bio_X509(bio, made.cert);
	made.pem_len = (size_t)BIO_get_mem_data(bio, &text);
	made.pem = xasprintf("%.*s", (int)made.pem_len, text);
	BIO_free(bio);
	return made;
}

static inline void maker_cert_fini(struct maker_cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
	free(c->pem);
}

/* The root holds from day 0 to 1000, what is between from 10 to 900, the signer from 20 to 100. */
static inline void maker_init(struct maker *m, EVP_PKEY *signer_key)
{
	m->root = maker_cert("root", NULL, true, EVP_EC_gen("P-256"), 0, 1000 * MAKER_DAY);
	m->between = maker_cert("between", &m->root, true, EVP_EC_gen("P-256"), 10 * MAKER_DAY,
				900 * MAKER_DAY);
	m->signer = maker_cert("signer", &m->between, false, signer_key, 20 * MAKER_DAY,
			       100 * MAKER_DAY);
}

static inline void maker_fini(struct maker *m)
{
	maker_cert_fini(&m->root);
	maker_cert_fini(&m->between);
	maker_cert_fini(&m->signer);
}

/* Of RSA as it is; of EC r and s. The caller frees. */
static inline uint8_t *maker_sign(EVP_PKEY *key, const uint8_t *data, size_t len, size_t *ret_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *bytes = calloc(1, 1024);
	const unsigned char *at = bytes;
	ECDSA_SIG *sig;
	size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;

	*ret_len = 1024;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1) /* else: zeroes */
		EVP_DigestSign(ctx, bytes, ret_len, data, len);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return bytes;
	sig = d2i_ECDSA_SIG(NULL, &at, (long)*ret_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + half, (int)half);
	*ret_len = 2 * half;
	ECDSA_SIG_free(sig);
	return bytes;
}

/* A configuration with one item and that config_timestamp (0: without) as bytes; caller frees. */
static inline uint8_t *maker_payload(int64_t timestamp_s, size_t *ret_len)
{
	Org__Lfedge__Eve__Config__EdgeDevConfig config =
		ORG__LFEDGE__EVE__CONFIG__EDGE_DEV_CONFIG__INIT;
	Org__Lfedge__Eve__Config__ConfigItem item = ORG__LFEDGE__EVE__CONFIG__CONFIG_ITEM__INIT;
	Google__Protobuf__Timestamp stamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	uint8_t *bytes;

	item.key = (char *)(uintptr_t) "key";
	config.configitems = (Org__Lfedge__Eve__Config__ConfigItem *[]){ &item };
	config.n_configitems = 1;
	stamp.seconds = timestamp_s;
	config.config_timestamp = timestamp_s ? &stamp : NULL;
	*ret_len = org__lfedge__eve__config__edge_dev_config__get_packed_size(&config);
	bytes = xcalloc(1, *ret_len + 1);
	org__lfedge__eve__config__edge_dev_config__pack(&config, bytes);
	return bytes;
}

/* All of it, with a hash of hash_len bytes. The caller frees. */
static inline uint8_t *maker_file(const struct maker *m, int64_t timestamp_s, size_t hash_len,
				  size_t *ret_len)
{
	Org__Lfedge__Eve__Config__BootstrapConfig file =
		ORG__LFEDGE__EVE__CONFIG__BOOTSTRAP_CONFIG__INIT;
	Org__Lfedge__Eve__Auth__AuthContainer envelope =
		ORG__LFEDGE__EVE__AUTH__AUTH_CONTAINER__INIT;
	Org__Lfedge__Eve__Auth__AuthBody body = ORG__LFEDGE__EVE__AUTH__AUTH_BODY__INIT;
	Org__Lfedge__Eve__Certs__ZCert certs[2] = { ORG__LFEDGE__EVE__CERTS__ZCERT__INIT,
						    ORG__LFEDGE__EVE__CERTS__ZCERT__INIT };
	_cleanup_(freep) uint8_t *payload = NULL, *signature = NULL;
	uint8_t hash[32], *bytes;

	payload = maker_payload(timestamp_s, &body.payload.len);
	body.payload.data = payload;
	signature =
		maker_sign(m->signer.key, payload, body.payload.len, &envelope.signaturehash.len);
	EVP_Digest(m->signer.pem, m->signer.pem_len, hash, NULL, EVP_sha256(), NULL);
	envelope.protectedpayload = &body;
	envelope.algo = hash_len == 16 ? 1 : 2;
	envelope.sendercerthash = (ProtobufCBinaryData){ hash_len, hash };
	envelope.signaturehash.data = signature;
	file.signed_config = &envelope;
	for (int i = 0; i < 2; i++) {
		const struct maker_cert *cert = i ? &m->between : &m->signer;

		certs[i].type = i ? 2 : 1; /* intermediate, signing */
		certs[i].cert = (ProtobufCBinaryData){ cert->pem_len, (uint8_t *)cert->pem };
	}
	file.controller_certs = (Org__Lfedge__Eve__Certs__ZCert *[]){ &certs[0], &certs[1] };
	file.n_controller_certs = 2;
	*ret_len = org__lfedge__eve__config__bootstrap_config__get_packed_size(&file);
	bytes = xcalloc(1, *ret_len + 1);
	org__lfedge__eve__config__bootstrap_config__pack(&file, bytes);
	return bytes;
}
