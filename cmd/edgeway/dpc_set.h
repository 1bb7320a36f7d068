/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of edgeway dpc that change something. Both return the exit status. */
#pragma once

int dpc_set(const char *file); /* "-": standard input */
int dpc_unset(void);
