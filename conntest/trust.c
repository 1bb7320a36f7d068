/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/cleanup.h"
#include "conntest/trace.h"

/* As EVE offers for TLS 1.2; those of TLS 1.3 are good as they are. */
#define SUITES "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"

struct trust {
	X509_STORE *roots;
	STACK_OF(X509_INFO) * chain; /* the client's own certificate first; NULL: none */
	EVP_PKEY *key;
};

static int load_chain(const char *file, STACK_OF(X509_INFO) * *ret)
{
	BIO *bio = BIO_new_file(file, "re");
	STACK_OF(X509_INFO) *chain = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	if (!chain || sk_X509_INFO_num(chain) < 1 || !sk_X509_INFO_value(chain, 0)->x509) {
		sk_X509_INFO_pop_free(chain, X509_INFO_free);
		return -EINVAL;
	}
	*ret = chain;
	return 0;
}

static int load_key(const char *file, EVP_PKEY **ret)
{
	BIO *bio = BIO_new_file(file, "re");
	/* "": a key that asks for a pass phrase is refused, nobody is there to type it. */
	EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;

	BIO_free(bio);
	if (!key)
		return -EINVAL;
	*ret = key;
	return 0;
}

int trust_new(const struct trust_files *files, struct trust **ret, const char **ret_bad)
{
	struct trust *trust = xcalloc(1, sizeof(*trust));
	const char *bad = NULL;

	trust->roots = X509_STORE_new();
	if (!trust->roots)
		abort();
	X509_STORE_set_default_paths(trust->roots);
	if (files->roots_file && X509_STORE_load_file(trust->roots, files->roots_file) != 1)
		bad = files->roots_file;
	if (!bad && files->cert_file && load_chain(files->cert_file, &trust->chain) < 0)
		bad = files->cert_file;
	if (!bad && files->key_file && load_key(files->key_file, &trust->key) < 0)
		bad = files->key_file;
	ERR_clear_error();
	if (bad) {
		trust_free(trust);
		*ret_bad = bad;
		return -EINVAL;
	}
	*ret = trust;
	return 0;
}

int trust_add(struct trust *trust, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	unsigned int n = 0;
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(trust->roots, cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the text is one, too */
	return n ? 0 : -EINVAL;
}

struct trust *trust_free(struct trust *trust)
{
	if (!trust)
		return NULL;
	X509_STORE_free(trust->roots);
	sk_X509_INFO_pop_free(trust->chain, X509_INFO_free);
	EVP_PKEY_free(trust->key);
	free(trust);
	return NULL;
}

static bool use_certificate(SSL_CTX *ctx, const struct trust *trust)
{
	if (SSL_CTX_use_certificate(ctx, sk_X509_INFO_value(trust->chain, 0)->x509) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, trust->key) != 1)
		return false;
	for (int i = 1; i < sk_X509_INFO_num(trust->chain); i++) {
		X509 *cert = sk_X509_INFO_value(trust->chain, i)->x509;

		if (cert && SSL_CTX_add1_chain_cert(ctx, cert) != 1)
			return false;
	}
	return true;
}

/* curl sets both up by this function, and does not say for whom: the target's comes when the proxy
 * has agreed to the tunnel. */
static bool is_for_proxy(CURL *easy, const struct trust_use *use)
{
	long tunnel = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	return use->proxy && (!use->tunnel || tunnel / 100 != 2);
}

/* Once for each certificate, the root first, and once more for what is wrong: that ends it. */
static int on_certificate(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct trust_use *use = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	trace_attempt_cert(use->trace, X509_STORE_CTX_get_current_cert(store),
			   X509_STORE_CTX_get_error_depth(store),
			   ok ? 0 : X509_STORE_CTX_get_error(store));
	return ok;
}

/* SSL_CTX_set_app_data(), whose macro casts const away. */
static void trace_certificates(SSL_CTX *ctx, const struct trust_use *use)
{
	if (use->trace && SSL_CTX_set_ex_data(ctx, 0, (void *)(uintptr_t)use) == 1)
		SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), on_certificate);
}

/*
 * The name is OpenSSL's to check, too, not only curl's: OpenSSL looks at it before the dates
 * (x509_vfy.c, verify_chain()), so that the expired certificate of somebody else is somebody
 * else's and not one that the controller forgot to renew.
 */
static CURLcode set_up(CURL *easy, void *ssl_ctx, void *arg)
{
	const struct trust_use *use = arg;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl_ctx);
	bool proxy = is_for_proxy(easy, use);
	const char *host = proxy ? use->proxy : use->host;
	int r = (proxy ? use->proxy_is_address : use->is_address)
			? X509_VERIFY_PARAM_set1_ip_asc(param, host)
			: X509_VERIFY_PARAM_set1_host(param, host, 0);

	trace_certificates(ssl_ctx, use);
	SSL_CTX_set1_cert_store(ssl_ctx, use->trust->roots);
	if (r == 1 && use->show && !proxy && use->trust->chain && use->trust->key &&
	    !use_certificate(ssl_ctx, use->trust))
		r = 0;
	return r == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

void trust_apply(CURL *easy, const struct trust_use *use)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, SUITES);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each port proves itself */
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* reading them anew would take 20 ms */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	/* Or the store of the first connection would be everybody's. */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_up);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, use);
}
