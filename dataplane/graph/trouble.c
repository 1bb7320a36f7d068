/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures and what they mean for the next attempt. Having an item and being rid of it fail
 * separately: a removal does not wait because a creation failed, nor is that forgiven by it.
 */
#include "dataplane/graph/engine.h"

#define MS UINT64_C(1000000) /* ns */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 30000

uint64_t backoff_ns(unsigned int in_a_row)
{
	uint64_t ms = BACKOFF_FIRST_MS;

	while (--in_a_row > 0 && ms < BACKOFF_LAST_MS)
		ms *= 2;
	return (ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS) * MS;
}

struct trouble *item_trouble(struct item *it)
{
	if (!it->trouble)
		it->trouble = xcalloc(1, sizeof(*it->trouble));
	return it->trouble;
}

void trouble_free(struct trouble *t)
{
	if (!t)
		return;
	free(t->of[0].why);
	free(t->of[1].why);
	free(t->waits);
	free(t);
}

/* Takes why. The same failure again is no news. */
static void failure_set(struct item *it, bool removing, int err, char *why)
{
	struct trouble *t = item_trouble(it);
	struct failure *f = &t->of[removing];

	if (f->err != err || t->removing != removing || strcmp(f->why ?: "", why ?: "") != 0)
		it->retold = true;
	free(f->why);
	f->why = why;
	f->err = err;
	t->removing = removing;
}

/* Takes why. */
void trouble_failed(struct dp *dp, struct item *it, bool removing, int err, char *why)
{
	struct failure *f = &item_trouble(it)->of[removing];

	failure_set(it, removing, err, why);
	f->failed_ns = dp->now_ns;
	f->retry_ns = dp->now_ns + backoff_ns(++f->in_a_row);
	timer_set(dp, it);
}

void trouble_hold(struct dp *dp, struct item *it, bool removing, int err, const char *why,
		  uint64_t delay_ns)
{
	failure_set(it, removing, err, xstrdup(why));
	it->trouble->of[removing].retry_ns =
		delay_ns == UINT64_MAX ? UINT64_MAX : dp->now_ns + delay_ns;
	timer_set(dp, it);
}

/* The next failure is a first one again. */
static void failure_reset(struct failure *f, uint64_t retry_ns)
{
	if (!f->err)
		return;
	f->in_a_row = 0;
	if (retry_ns < f->retry_ns)
		f->retry_ns = retry_ns;
}

/* Not at once: a need that comes and goes because of our own attempts must not make us spin. */
void trouble_need_met(struct dp *dp, struct item *it)
{
	struct trouble *t = it->trouble;

	if (!t || it->refused)
		return;
	failure_reset(&t->of[false], t->of[false].failed_ns + BACKOFF_FIRST_MS * MS);
	timer_set(dp, it);
}

void trouble_new_wish(struct dp *dp, struct item *it)
{
	if (!it->trouble || it->refused)
		return;
	failure_reset(&it->trouble->of[false], 0);
	failure_reset(&it->trouble->of[true], 0);
	timer_set(dp, it);
}

void trouble_over(struct dp *dp, struct item *it, bool removing)
{
	struct failure *f;

	if (!it->trouble)
		return;
	f = &it->trouble->of[removing];
	free(f->why);
	*f = (struct failure){ 0 };
	timer_set(dp, it);
}

const struct failure *trouble_last(const struct item *it)
{
	return it->trouble && it->trouble->of[it->trouble->removing].err
		       ? &it->trouble->of[it->trouble->removing]
		       : NULL;
}
