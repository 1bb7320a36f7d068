/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/pnac/pnac_reacquire.h"

#define FIRST_MS 2000

void pnac_reacquire_begin(struct pnac_reacquire *r, const struct prefix *subnet, struct mono now,
			  unsigned int retries)
{
	*r = (struct pnac_reacquire){ .active = retries > 0, .next = now, .subnet = *subnet };
}

bool pnac_reacquire_step(struct pnac_reacquire *r, const struct prefix *subnet, struct mono now,
			 unsigned int retries)
{
	if (!r->active || !prefix_equal(&r->subnet, subnet)) {
		r->active = false;
		return false;
	}
	if (now.ns < r->next.ns)
		return false;
	if (r->retries >= retries) /* this was the last one */
		r->active = false;
	r->next.ns = now.ns + ((uint64_t)FIRST_MS << r->retries) * 1000000;
	r->retries++;
	return true;
}

int64_t pnac_reacquire_due_ms(const struct pnac_reacquire *r, struct mono now)
{
	int64_t ms = mono_diff_ms(r->next, now);

	if (!r->active)
		return -1;
	return ms < 0 ? 0 : ms + 1; /* rounded up: the step must not come too early */
}
