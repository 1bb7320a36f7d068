/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc test, dpc revert: what nim is asked to do about port configurations. */
#pragma once

/* Begins the test; key "": of the first of the list. 0 and its key, to be freed, or the exit status
 * after a complaint. */
int dpc_test(const char *key, char **ret);
int dpc_revert(void);
