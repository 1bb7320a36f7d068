/* SPDX-License-Identifier: Apache-2.0 */
/* The same where the bridges are in VRFs: packets change their interface on the way in. */
#define WORLD_VRF true
// NOLINTNEXTLINE(bugprone-suspicious-include): the same claims, in another world
#include "tests/item/test_filter.c"
