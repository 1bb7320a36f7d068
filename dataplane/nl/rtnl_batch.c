/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "dataplane/nl/rtnl_state.h"

/* A batch of thousands is rare: what it took beyond this goes back afterwards. */
#define KEEP_CHUNKS 1
#define KEEP_ENTRIES 512

#define vector_add(v)                                                                              \
	({                                                                                         \
		if ((v)->count == (v)->size) {                                                     \
			(v)->size = (v)->size ? (v)->size * 2 : 32;                                \
			(v)->at = xrealloc((v)->at, (v)->size, sizeof(*(v)->at));                  \
		}                                                                                  \
		&(v)->at[(v)->count++];                                                            \
	})

#define vector_reset(v)                                                                            \
	({                                                                                         \
		(v)->count = 0;                                                                    \
		if ((v)->size > KEEP_ENTRIES) {                                                    \
			free(take_ptr((v)->at));                                                   \
			(v)->size = 0;                                                             \
		}                                                                                  \
	})

void rtnl_batch_reset(struct rtnl_batch *b)
{
	size_t i;

	for (i = 0; i < b->fds.count; i++)
		close(b->fds.at[i]);
	while (b->chunks.count > KEEP_CHUNKS)
		free(b->chunks.at[--b->chunks.count]);
	for (i = 0; i < b->chunks.count; i++)
		b->chunks.at[i]->len = b->chunks.at[i]->messages = 0;
	vector_reset(&b->slots);
	vector_reset(&b->sent);
	vector_reset(&b->doomed);
	vector_reset(&b->fds);
	b->group_err = 0;
}

void rtnl_batch_fini(struct rtnl_batch *b)
{
	rtnl_batch_reset(b);
	while (b->chunks.count)
		free(b->chunks.at[--b->chunks.count]);
	free(b->chunks.at);
	free(b->slots.at);
	free(b->sent.at);
	free(b->doomed.at);
	free(b->fds.at);
	*b = (struct rtnl_batch){ 0 };
}

/* The messages of one operation come one after the other: only the last slot can be its. */
uint32_t rtnl_batch_slot(struct rtnl_batch *b, struct dp_op *op)
{
	if (!b->slots.count || b->slots.at[b->slots.count - 1].op != op)
		*vector_add(&b->slots) = (struct rtnl_slot){ .op = op };
	return b->slots.count - 1;
}

static struct rtnl_chunk *batch_room(struct rtnl_batch *b)
{
	struct rtnl_chunk *c = NULL;

	if (b->chunks.count)
		c = b->chunks.at[b->chunks.count - 1];
	if (!c || sizeof(c->buf) - c->len < RTNL_MSG_MAX) {
		/* Not cleared: most of it is never touched, and there is one for each app. */
		c = xrealloc(NULL, 1, sizeof(*c));
		c->len = c->messages = 0;
		*vector_add(&b->chunks) = c;
	}
	return c;
}

struct nlmsghdr *rtnl_batch_put(struct rtnl_batch *b, uint16_t type, uint16_t flags,
				size_t header_len)
{
	struct rtnl_chunk *c = batch_room(b);

	return rtnl_prepare(c->buf + c->len, type, flags, header_len);
}

void rtnl_batch_commit(struct rtnl_batch *b, struct nlmsghdr *msg, uint32_t slot,
		       unsigned int accept)
{
	struct rtnl_chunk *c = b->chunks.at[b->chunks.count - 1];

	assert((char *)msg == c->buf + c->len && msg->nlmsg_len <= RTNL_MSG_MAX);
	c->len += MNL_ALIGN(msg->nlmsg_len);
	c->messages++;
	*vector_add(&b->sent) = (struct rtnl_sent){ .slot = slot, .accept = accept };
}

struct nlmsghdr *rtnl_prepare(void *buf, uint16_t type, uint16_t flags, size_t header_len)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(msg, header_len);
	return msg;
}

struct nlmsghdr *rtnl_begin(struct dp_op *op, uint16_t type, uint16_t flags, size_t header_len)
{
	return rtnl_batch_put(&rtnl_state(dp_op_dp(op))->batch, type, flags, header_len);
}

int rtnl_end(struct dp_op *op, struct nlmsghdr *msg, unsigned int accept)
{
	struct rtnl_batch *b = &rtnl_state(dp_op_dp(op))->batch;

	rtnl_batch_commit(b, msg, rtnl_batch_slot(b, op), accept);
	return -EINPROGRESS;
}

void rtnl_then(struct dp_op *op, rtnl_then_fn *fn)
{
	struct rtnl_batch *b = &rtnl_state(dp_op_dp(op))->batch;

	b->slots.at[rtnl_batch_slot(b, op)].then = fn;
}

void rtnl_keep_fd(struct dp *dp, int fd)
{
	*vector_add(&rtnl_state(dp)->batch.fds) = fd;
}

void rtnl_batch_doom(struct rtnl_batch *b, const struct rtnl_doomed *doomed)
{
	struct rtnl_doomed *d = vector_add(&b->doomed);

	*d = *doomed;
	d->slot = rtnl_batch_slot(b, d->op);
}

int rtnl_remove_link(struct dp_op *op, uint32_t ifindex)
{
	struct rtnl *r = rtnl_state(dp_op_dp(op));

	*vector_add(&r->doomed) = (struct rtnl_doomed){ .op = op, .ifindex = ifindex };
	return -EINPROGRESS;
}
