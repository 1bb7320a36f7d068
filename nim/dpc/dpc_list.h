/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port configurations there are, the most wanted first, and which of them is in force. Pure:
 * no I/O, no clock. The order is EVE's, made when an entry comes:
 *
 *   manual      goes to the top; there is one
 *   controller  goes to the top: above what it said before, and above a manual one
 *   local       (the controller's, changed by the local profile server) goes directly above the
 *               controller's newest, which it was made of, and has its time priority
 *   others      go above what has an earlier time priority
 *
 * An entry that is put again under its
 * key replaces the former: in place when the time priority is the same, else it is ranked anew. A
 * controller's configuration whose ports did not change stays where it is, whatever its time: a
 * controller sends the whole device configuration anew for any change, and that alone must not put
 * an override out of force.
 *
 * A former one that has worked is kept as KEY@TIME, to fall back on; what is put with its ports
 * again takes over its results.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pbjson.h"
#include "nim/dpc/dpc_entry.h"

#define DPC_LIST_MAX 32

struct strbuf;

struct dpc_list {
	Ew__DpcEntry *entries[DPC_LIST_MAX]; /* owned */
	size_t n;
	Ew__DpcEntry *current; /* one of them, the one in force; NULL: none chosen yet */
	Ew__DpcEntry *tested; /* one of them, under verification; NULL: none */
};

void dpc_list_fini(struct dpc_list *list);

/* Takes entry. 1: the list changed; 0: it holds the same already; -ENOSPC: it is full, which is for
 * override files and local ones only: for others the last one gives way. */
int dpc_list_put(struct dpc_list *list, Ew__DpcEntry *entry);
void dpc_list_remove(struct dpc_list *list, const char *key); /* absent is fine */
const Ew__DpcEntry *dpc_list_find(const struct dpc_list *list, const char *key); /* or NULL */
/* There is no local one any more. Taken back by the local server, nothing of it is left. By a newer
 * configuration of the controller, what has worked is left below that, as KEY@TIME. True: the list
 * changed. */
bool dpc_list_end_local(struct dpc_list *list, bool taken_back);
/* The current one. While none is chosen the first that is usable (see dpc_is_usable()), but nothing
 * below a manual one; without any, the first. NULL: it is empty. */
const Ew__DpcEntry *dpc_list_in_force(const struct dpc_list *list);
size_t dpc_list_index(const struct dpc_list *list, const Ew__DpcEntry *entry); /* n: not in it */

/* Removes what nobody will fall back on any more. Kept are the first and the current one, the first
 * that worked, the newest of the controller, those of files (they go with them), the last resort if
 * it is wanted, a manual one until something above it has worked, and of each source the first
 * while no configuration of the controller has ever worked. True: something went. */
bool dpc_list_compress(struct dpc_list *list, bool last_resort);
/* The list as a message; it borrows all. */
Ew__DevicePortConfigList dpc_list_message(struct dpc_list *list);
/* For a file. Results by port and states of waiting are of no use to the next run and not taken
 * from it. dpc_list_parse() fills an empty list; -EINVAL or -ENOMEM with err filled in. */
void dpc_list_format(struct dpc_list *list, struct strbuf *out);
int dpc_list_parse(const char *text, size_t len, struct dpc_list *list, struct pbjson_error *err);
