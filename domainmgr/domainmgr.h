/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager of applications' domains. An app of kind namespace gets a network namespace, made
 * when there is none of that name, and its interfaces in it, with addresses and default route.
 */
#pragma once

struct daemon;
struct domainmgr;

/* Opens engine and bus, adopts what an earlier run left, subscribes. */
int domainmgr_new(struct daemon *d, struct domainmgr **ret);
struct domainmgr *domainmgr_free(struct domainmgr *dm); /* leaves the system as it is */
static inline void domainmgr_freep(struct domainmgr **dm)
{
	domainmgr_free(*dm);
}
