/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the backend only. */
#pragma once

#include <event2/event.h>

#include "base/mono.h"
#include "dataplane/nft/nft.h"

struct job { /* one operation in the batch */
	struct dp_op *op;
	size_t start, end; /* its bytes in the buffer */
	uint32_t first_seq, last_seq;
	int err; /* 0, -errno; -EINPROGRESS: not decided yet */
	bool absent_is_fine;
	char *why;
};

struct nft {
	struct dp *dp;
	const char *table; /* the name that marks ours */
	int fd; /* requests and transactions */
	int monitor_fd;
	bool listening; /* to notifications */
	size_t batch_max; /* bytes that one send takes */
	uint32_t seq;
	uint32_t generation; /* of the rule set as we know it */
	struct event *monitor_ev, *resync_ev;
	struct mono resynced; /* last time */
	char *buf; /* messages of the jobs, one after the other */
	size_t len, size;
	struct nlmsghdr *open; /* message being written, at buf + len */
	struct job *jobs;
	size_t n_jobs, room_jobs;
};

/* monitor.c */
int monitor_open(struct nft *nft);
void monitor_close(struct nft *nft);
void monitor_pause(struct nft *nft); /* no notifications from here on */
void monitor_resume(struct nft *nft, unsigned int commits); /* made in between by ourselves */

/* dump.c */
int nft_socket(struct nft *nft);
