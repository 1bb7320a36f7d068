/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local operator's port configuration, one at most, by the control door:
 *
 *	dpc set BASE64    the text of a DevicePortConfig; what is wrong with it is the answer
 *	dpc unset
 */
#pragma once

struct control;
struct nim_dpc;

void nim_dpc_manual(struct nim_dpc *dpc, struct control *control); /* adds the commands */
