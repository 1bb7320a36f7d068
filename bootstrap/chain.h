/* SPDX-License-Identifier: Apache-2.0 */
/* From the controller's certificates in a container to one that the device trusts. */
#pragma once

#include <openssl/evp.h>
#include <stdint.h>

#include "base/pbjson.h"
#include "evebootstrap.pb-c.h"

struct chain;

/* roots: PEM text. 0, or -EINVAL with err filled in. */
int chain_new(const Org__Lfedge__Eve__Config__BootstrapConfig *msg, size_t signer_index,
	      const char *roots, struct chain **ret, struct pbjson_error *err);
struct chain *chain_free(struct chain *chain); /* NULL is fine */
static inline void chain_freep(struct chain **chain)
{
	chain_free(*chain);
}

EVP_PKEY *chain_signer_key(const struct chain *chain); /* borrowed */
void chain_signer_name(const struct chain *chain, char *ret, size_t size); /* common name */

/* Both 0, or -EINVAL with err filled in. */
int chain_check(const struct chain *chain, struct pbjson_error *err); /* all but dates */
int chain_check_dates(const struct chain *chain, int64_t time_s, struct pbjson_error *err);
