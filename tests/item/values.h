/* SPDX-License-Identifier: Apache-2.0 */
/* Values by their text. A wrong one ends the process, and so fails the test. */
#pragma once

#include "base/addr.h"
#include "tests/item/space.h"

static inline struct ipaddr test_addr(const char *text)
{
	struct ipaddr a;

	require(ipaddr_parse(text, &a) == 0, "address %s", text);
	return a;
}

static inline struct prefix test_prefix(const char *text)
{
	struct prefix p;

	require(prefix_parse(text, &p) == 0, "prefix %s", text);
	return p;
}
