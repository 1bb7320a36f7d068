/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked before the maps: the entries by host, and of the entries before one those that
 * would decide otherwise about a packet both hold, and so on towards the top of the list.
 *
 * Then the first step that holds a packet agrees with the first entry of the list that does: if
 * that entry E is no step, a step S that holds the packet too is later in the list, and would have
 * made E a step had they disagreed. When no step holds it no entry by host does, and the maps,
 * which have all the others, decide.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "zedrouter/acl_place.h"

static bool decides_otherwise(const struct acl_unit *a, const struct acl_unit *b)
{
	return acl_verdict(a->action, a->ace) != acl_verdict(b->action, b->ace) &&
	       acl_box_overlap(&a->box, &b->box);
}

/* Indices of the units that are steps, last one first. */
static int find_steps(const struct acl_unit *units, size_t n, size_t *at, size_t *ret_n)
{
	size_t found = 0;
	bool step;

	for (size_t i = n; i-- > 0;) {
		step = units[i].by_host;
		for (size_t k = 0; k < found && !step; k++)
			step = decides_otherwise(&units[i], &units[at[k]]);
		if (!step)
			continue;
		if (found == ZR_ACL_STEPS)
			return -E2BIG;
		at[found++] = i;
	}
	*ret_n = found;
	return 0;
}

int acl_add_steps(struct zr_acl *acl, int family, enum zr_variant variant,
		  const struct acl_unit *units, size_t n)
{
	_cleanup_(freep) size_t *at = xcalloc(ZR_ACL_STEPS, sizeof(*at));
	struct zr_acl_entry *step;
	size_t found = 0;
	int r = find_steps(units, n, at, &found);

	if (r < 0 || !found)
		return r;
	acl->steps = xrealloc(acl->steps, acl->n_steps + found, sizeof(*acl->steps));
	while (found-- > 0) {
		const struct acl_unit *u = &units[at[found]];

		step = &acl->steps[acl->n_steps++];
		*step = acl_entry(&u->box, family, variant);
		step->action = u->action;
		step->ace = u->ace;
		step->by_host = u->by_host;
	}
	return 0;
}
