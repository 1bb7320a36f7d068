/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Returns when a round of connectivity tests that begins now has ended. The exit status, after a
 * complaint. */
int ports_test(void);
