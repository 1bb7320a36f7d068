/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/mark.h"

#include <string.h>

#include "base/cleanup.h"

/*
 * Protocol numbers and link groups: free in iproute2's rt_protos and group tables. One value for
 * both, so that one number says whose an object is. They are part of what survives an upgrade:
 * never change one.
 */
static const struct dp_mark marks[] = {
	{ .owner = "nim", .protocol = 237, .link_group = 237, .nft_table = "edgeway-nim" },
	{ .owner = "zedrouter",
	  .protocol = 238,
	  .link_group = 238,
	  .nft_table = "edgeway-zedrouter" },
	{ .owner = "domainmgr",
	  .protocol = 239,
	  .link_group = 239,
	  .nft_table = "edgeway-domainmgr" },
	{ .owner = "test", .protocol = 240, .link_group = 240, .nft_table = "edgeway-test" },
};

const struct dp_mark *dp_mark(const char *owner)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks) - 1; i++)
		if (owner && strcmp(marks[i].owner, owner) == 0)
			break;
	return &marks[i];
}
