/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc test, dpc revert: what nim is asked to do about port configurations. */
#pragma once

/* [--timeout SECONDS] [KEY]. Has it tested and waits: 0 when it works, else the exit status after a
 * complaint. */
int dpc_test(int argc, char *argv[]);
int dpc_revert(void);
