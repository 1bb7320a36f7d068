/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nftables backend, for the item types in dataplane/items/nft_*.c.
 *
 * Operations append messages; a flush sends them as one transaction. Its errors come back by
 * sequence number: the operations they belong to fail, and what remains is sent again.
 *
 * Changes made by others are seen by the kernel's notifications. Our own would come too, one for
 * each element, which doubles the cost of a large transaction. So during a flush we leave the
 * group, and compare the generation of the rule set before and after: one step a transaction of
 * ours, any further step is somebody else's.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/dp.h"

struct nft;
struct nft_elems;

extern const struct dp_backend dp_nft_backend;

struct nft *nft_of(const struct dp *dp);
const char *nft_table(const struct nft *nft); /* ours: dp_mark(owner)->nft_table */

/* ---- Operations: return -EINPROGRESS after the last message ---- */

/*
 * Begins a message (NFT_MSG_*) of op with room bytes for attributes. Valid until the next call,
 * ended by it or by the flush.
 */
struct nlmsghdr *nft_msg(struct dp_op *op, uint16_t type, uint16_t flags, uint8_t family,
			 size_t room);
#define NFT_ROOM 512 /* enough for a few names and numbers */
/* The transaction failed with -ENOENT because of op: that is what op wanted. */
void nft_absent_is_fine(struct dp_op *op);

/* ---- Reading ---- */

/*
 * Dumps (NFT_MSG_GET*) objects; table and set NULL: all. fn gets NULL first, then each message,
 * and returns 0 or -errno, which ends the dump. A dump that a change interrupted is read again:
 * then fn gets NULL again, to forget what it gathered.
 */
int nft_dump(struct nft *nft, uint16_t type, uint8_t family, const char *table, const char *set,
	     int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg);

/*
 * Sends one request, whose sequence number it sets, and reads until the ack, the end of a dump or an
 * error; fn (may be NULL) gets what comes before and may end it with -errno. At least 0 or -errno.
 */
int nft_request(struct nft *nft, struct nlmsghdr *nlh,
		int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* Attributes of one level by type; those above max are left out. Later ones win. */
int nft_attrs(const struct nlmsghdr *nlh, const struct nlattr **tb, uint16_t max);
int nft_attrs_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max);
uint32_t nft_attr_u32(const struct nlattr *attr); /* from network order; NULL: 0 */
uint64_t nft_attr_u64(const struct nlattr *attr); /* likewise */
bool nft_attr_name(const struct nlattr *attr, char *ret, size_t size); /* false: absent, too long */
uint8_t nft_family(const struct nlmsghdr *nlh);

/*
 * From now on hear of changes by others; before something of ours exists there is no need to. As
 * long as anybody on the machine listens, in whatever namespace, the kernel writes a notification
 * for each element that anybody changes. Returns whether that is new: what was read before may
 * have changed since.
 */
bool nft_listen(struct nft *nft);
/* The kernel is not as we believe: observe everything again, soon (not before the next turn). */
void nft_resync(struct nft *nft);

/* ---- Names ---- */

const char *nft_family_name(uint8_t family); /* "inet" */

struct dp_nft_set;
/* Of an NFT_MSG_NEWSET message. -ENOENT: an anonymous one, part of a rule. */
int nft_set_parse(const struct nlmsghdr *nlh, struct dp_nft_set *ret);
