/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that run when the access list of their app changes. The kernel judges first packets only,
 * so once it has the new list, the flows of that app are looked at: what the list does not allow any
 * more is forgotten, and its next packet is a first one again. Flows that it still allows are not
 * touched; whether a limit counts them is set right. Of an address that an app had and nobody has
 * now all end, those to other apps, too: who gets it next is asked anew. After a restart that goes
 * for all apps, and for those that went meanwhile, as nobody knows what had been done.
 *
 * Cost: walks through the kernel's table, two for an address; when there are several, after a
 * restart, or with IPv6, one for all, in which the kernel tells of others' flows, too.
 */
#pragma once

#include "base/addr.h"

struct dp;
struct event_base;
struct zr_acl;
struct zr_model;
struct zr_recheck;

/* Nothing is copied: all outlive it. table: of nftables. */
struct zr_recheck *zr_recheck_new(struct event_base *base, struct dp *dp, const struct zr_model *m,
				  const char *table);
struct zr_recheck *zr_recheck_free(struct zr_recheck *r); /* NULL is fine */

/* The scope with the rules of an app interface was submitted. addr and acl: what it has now; addr NULL:
 * it is no more. */
void zr_recheck_note(struct zr_recheck *r, const char *scope, const struct ipaddr *addr,
		     const struct zr_acl *acl);
/* There may be flows from before the start. */
void zr_recheck_all(struct zr_recheck *r);
/* Looks at flows whose rules are in the kernel by now: to be called whenever the engine has run. */
void zr_recheck_run(struct zr_recheck *r);
