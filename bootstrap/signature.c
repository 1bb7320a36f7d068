/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/signature.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "base/cleanup.h"

#define DER_MAX 256 /* bytes; of P-521 they are 141 */

/* r || s to what OpenSSL reads. */
static bool to_der(EVP_PKEY *key, const ProtobufCBinaryData *raw, uint8_t der[DER_MAX], size_t *len)
{
	size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int n = -1;

	if (sig && raw->len == 2 * half) {
		r = BN_bin2bn(raw->data, (int)half, NULL);
		s = BN_bin2bn(raw->data + half, (int)half, NULL);
		if (!r || !s)
			abort();
		ECDSA_SIG_set0(sig, r, s); /* takes them */
		n = i2d_ECDSA_SIG(sig, NULL);
	}
	if (n > 0 && n <= DER_MAX) {
		*len = (size_t)n;
		i2d_ECDSA_SIG(sig, &der);
	} else {
		n = -1;
	}
	ECDSA_SIG_free(sig);
	return n > 0;
}

bool signature_is_good(EVP_PKEY *key, const ProtobufCBinaryData *signature,
		       const ProtobufCBinaryData *data)
{
	const uint8_t *bytes = signature->data;
	size_t len = signature->len;
	uint8_t der[DER_MAX];
	EVP_MD_CTX *ctx;
	bool good;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		if (!to_der(key, signature, der, &len))
			return false;
		bytes = der;
	} else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		return false;
	}
	ctx = EVP_MD_CTX_new();
	good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, bytes, len, data->data, data->len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}
