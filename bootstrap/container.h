/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap-config.pb as bytes: what is signed, by which certificate it says, and the certificates
 * it brings along. Nothing is believed yet: that is for bootstrap/verify.h. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/pbjson.h"
#include "evebootstrap.pb-c.h"

#define BOOTSTRAP_FILE_MAX (1u << 20) /* bytes */
#define BOOTSTRAP_CERTS_MAX 32

struct container {
	Org__Lfedge__Eve__Config__BootstrapConfig *msg; /* the rest points into it */
	const ProtobufCBinaryData *payload; /* an EdgeDevConfig */
	const ProtobufCBinaryData *signature, *signer_hash; /* the latter of 16 or 32 bytes */
	const ProtobufCBinaryData *signer; /* PEM text; likewise all of controller_certs */
	size_t signer_index; /* in controller_certs */
};

/* 0, or -EINVAL or -E2BIG with err filled in; then there is nothing to free. */
int container_parse(const void *data, size_t len, struct container *ret, struct pbjson_error *err);
void container_fini(struct container *c);
