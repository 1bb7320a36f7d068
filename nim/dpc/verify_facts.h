/* SPDX-License-Identifier: Apache-2.0 */
/* What the world says to a verification. Pure. */
#pragma once

#include "nim/conn/conntest.h"
#include "nim/dpc/dpc_verify.h"

struct nim_cards;

/* busy: what applying it has begun is not done. */
void verify_facts(const struct conn_ports *on, const struct nim_cards *cards, bool busy,
		  struct dpcv_facts *ret);
/* Of whatever a test of the management ports may depend on: another when that is other. */
uint32_t verify_digest(const struct conn_ports *on, bool busy);
/* Radios that are off prove nothing against a configuration that relies on them. */
bool verify_is_silenced(const struct conn_ports *on);
