/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc test, dpc revert: what nim is asked to do about port configurations. */
#pragma once

/* Begins the test; key "": of the first of the list. Its key, to be freed; NULL after a complaint. */
char *dpc_test(const char *key);
int dpc_revert(void);
