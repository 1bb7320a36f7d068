/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of EVE's AuthContainer. */
#pragma once

#include <openssl/evp.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Of an EC key: r and s, each as long as the curve's order, big-endian, without DER. Of an RSA key:
 * PKCS #1 v1.5. Both over SHA-256. Other keys sign nothing. */
bool signature_is_good(EVP_PKEY *key, const ProtobufCBinaryData *signature,
		       const ProtobufCBinaryData *data);
