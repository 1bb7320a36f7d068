/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bus share; not for others. */
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <event2/event.h>

#include "base/hmap.h"
#include "base/list.h"
#include "base/mono.h"
#include "pubsub/frame.h"
#include "pubsub/ps.h"
#include "pubsub/table.h"

#define PS_CHUNK (128u << 10) /* bytes in one read or write: still hot in a core's cache */
#define PS_IOV 64
#define PS_BUS_MODE 0755

struct ps_store;

/* Frames gathered once and sent to every subscriber that stands at the same place. */
struct ps_batch {
	struct iovec iov[PS_IOV];
	size_t n_iov, bytes, frames; /* n_iov 0: nothing gathered */
	bool shared; /* gathered for a live cursor that had passed from_seq */
	uint64_t from_seq;
	struct ps_place to;
	uint8_t *copy; /* PS_CHUNK: small frames side by side */
};

struct ps {
	struct event_base *base;
	struct ps_conf conf;
	char *bus_dir;
	struct list pubs, subs;
	struct ps_batch batch; /* valid within one round of sends */
	uint8_t *in; /* PS_CHUNK: what a subscription reads into */
	int inotify_fd; /* -1 until the first subscription */
	struct event *inotify_ev, *rewatch_ev;
};

struct ps_pub {
	struct list link;
	struct ps *ps;
	const struct ps_topic *topic;
	struct ps_hello hello; /* ours */
	struct ps_table table;
	uid_t *uids; /* of ps_access */
	gid_t *gids;
	char *name; /* of the socket: <agent>.<topic> */
	int listen_fd;
	struct event *accept_ev, *resume_ev, *flush_ev;
	struct list peers;
	unsigned int n_peers; /* those who left and were not noticed yet included */
	uint8_t *pack; /* the frame being built */
	size_t pack_size;
	bool waiting; /* flush_ev comes at the end of this turn of the loop */
	struct mono sent; /* last time */
	struct ps_store *store; /* NULL: volatile */
	struct ps_stats stats;
};

/* bus.c */
__attribute__((__format__(__printf__, 2, 3))) void ps_report(const struct ps_pub *pub,
							     const char *fmt, ...);
int ps_watch(struct ps *ps); /* sockets that appear in the bus folder wake their subscribers */

/* listen.c: sockets by name in a folder of any length of path */
int ps_listen(const char *dir, const char *name, mode_t mode); /* fd; -EADDRINUSE: lives already */
int ps_dial(const char *dir, const char *name); /* fd; -ENOENT, -ECONNREFUSED, -EAGAIN, -EACCES */
bool ps_access_allows(const struct ps_access *access, uid_t own, const struct ucred *who,
		      const gid_t *groups, size_t n_groups); /* pure */

/* peer.c: one subscriber, seen from the publisher */
struct ps_peer;
void ps_peer_accept(struct ps_pub *pub, int fd); /* takes fd */
void ps_peers_send(struct ps_pub *pub, unsigned int rounds);
void ps_peers_free(struct ps_pub *pub);

/* store.c: a persistent table on disk, in <path>.0 and <path>.1 by turns */
/* Fills t with what is stored. What is damaged is left out and described in why. */
int ps_store_load(const char *path, const ProtobufCMessageDescriptor *desc, struct ps_table *t,
		  char why[static PS_WHY_MAX], uint64_t *ret_generation);
int ps_store_new(struct ps_pub *pub, const char *path, uint64_t generation, struct ps_store **ret);
void ps_store_dirty(struct ps_store *s);
struct ps_store *ps_store_free(struct ps_store *s); /* writes what is not written; blocks */

/* sub.c */
void ps_subs_wake(struct ps *ps, const char *name); /* NULL: all */
void ps_subs_free(struct ps *ps);
