/* SPDX-License-Identifier: Apache-2.0 */
/* The trials themselves, inside the child's namespace. Each returns 0 or -errno. */
#pragma once

#include <stdint.h>

#include "dataplane/caps.h"

struct trial {
	int rtnl; /* rtnetlink socket */
	int nft; /* nfnetlink socket; -errno: there is none */
	uint32_t seq;
};

/* All of them, into ret. The process must be in a namespace it may spoil. */
void caps_try_all(struct caps *ret);

/* caps_try_nft.c */
int try_nft_inet(struct trial *t);
int try_nft_bridge(struct trial *t);
int try_nft_masquerade(struct trial *t);
int try_nft_ct_mark(struct trial *t);
int try_nft_reject(struct trial *t);
int try_nft_ct_bridge(struct trial *t);
int try_nft_flowtable(struct trial *t);
int try_nft_log(struct trial *t);

/* caps_try_xdp.c */
int try_xdp(struct trial *t);
