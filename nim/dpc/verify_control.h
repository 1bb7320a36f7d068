/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification by hand, by the control door:
 *
 *	dpc test [KEY]   a pass over that configuration now, by default over the first of the list
 *	dpc revert       away from the one in force
 */
#pragma once

#include "nim/dpc/dpc_list.h"

struct control;
struct nim;
struct nim_verify;

void nim_verify_control(struct nim *nim, struct control *control);

/* In nim/dpc/verify.c: a pass over this entry of the list now. */
void nim_verify_test(struct nim_verify *nv, Ew__DpcEntry *entry, const char *why);
