/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/damp.h"

#define MS 1000000ULL

static uint64_t hold_ns(const struct damp *d, uint32_t hold_ms)
{
	uint64_t ms = (uint64_t)hold_ms << (d->level < 16 ? d->level - 1 : 15);
	uint64_t max = hold_ms > DAMP_HOLD_MAX_MS ? hold_ms : DAMP_HOLD_MAX_MS;

	return (ms < max ? ms : max) * MS;
}

static void lose(struct damp *d, struct mono now)
{
	uint64_t calm_ns = now.ns - d->incident.ns;

	d->losses++;
	d->held = d->shaky = false;
	if (now.ns - d->lost.ns >= DAMP_INCIDENT_MS * MS)
		d->burst = 0;
	if (d->burst < UINT8_MAX)
		d->burst++;
	d->lost = now;
	if (d->incident.ns && calm_ns < DAMP_INCIDENT_MS * MS)
		return;
	calm_ns /= DAMP_FORGET_MS * MS;
	d->level = calm_ns < d->level ? (uint8_t)(d->level - calm_ns) : 0;
	if (d->level < UINT8_MAX)
		d->level++;
	d->incident = now;
}

void damp_remember(struct damp *d)
{
	d->seen = true;
	d->level = d->burst = 1;
}

static void come_back(struct damp *d, uint32_t hold_ms, struct mono now)
{
	d->held = hold_ms > 0;
	d->shaky = d->held && (d->level >= DAMP_SHAKY_LOSSES || d->burst >= DAMP_SHAKY_LOSSES);
	d->until.ns = now.ns + hold_ns(d, hold_ms);
	d->steady.ns = now.ns + DAMP_SHAKY_MS * MS;
}

static void follow(struct damp *d, bool good, uint32_t hold_ms, struct mono now)
{
	if (d->good && !good)
		lose(d, now);
	else if (!d->good && good && d->seen)
		come_back(d, hold_ms, now);
	d->good = good;
	d->seen = d->seen || good;
	if (!hold_ms)
		d->held = d->shaky = false;
	if (d->shaky && now.ns >= d->steady.ns)
		d->shaky = false;
}

/* Not before the last change of the choice is a hold time ago. */
static void release(struct damp *d, const struct damp_choice *choice, uint32_t hold_ms,
		    struct mono now)
{
	uint64_t calm = choice->changed.ns ? choice->changed.ns + hold_ms * MS : 0;

	if (calm > d->until.ns)
		d->until.ns = calm;
	if (now.ns >= d->until.ns)
		d->held = false;
}

static bool better(const struct damp *ports, const struct damp_input *in, unsigned int a, int b)
{
	if (b < 0)
		return true;
	if (ports[a].shaky != ports[b].shaky)
		return !ports[a].shaky;
	if (in[a].class != in[b].class)
		return in[a].class < in[b].class;
	if (ports[a].held != ports[b].held)
		return !ports[a].held;
	return in[a].rank < in[b].rank;
}

static void choose(struct damp *ports, struct damp_choice *choice, const struct damp_input *in,
		   unsigned int n, struct mono now)
{
	int best = -1;

	for (unsigned int i = 0; i < n; i++)
		if (ports[i].good && better(ports, in, i, best))
			best = (int)i;
	if (best < 0)
		return;
	ports[best].held = ports[best].shaky = false; /* who carries the traffic is preferred */
	if (choice->port >= 0 && choice->port != best)
		choice->changed = now;
	choice->port = best;
}

struct mono damp_step(struct damp *ports, struct damp_choice *choice, const struct damp_input *in,
		      unsigned int n, uint32_t hold_ms, struct mono now)
{
	struct mono next = { 0 };

	for (unsigned int i = 0; i < n; i++)
		follow(&ports[i], in[i].good, hold_ms, now);
	for (unsigned int i = 0; i < n; i++)
		if (ports[i].held)
			release(&ports[i], choice, hold_ms, now);
	choose(ports, choice, in, n, now);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t at = ports[i].shaky  ? ports[i].steady.ns
			      : ports[i].held ? ports[i].until.ns
					      : 0;

		if (at && (!next.ns || at < next.ns))
			next.ns = at;
	}
	return next;
}
