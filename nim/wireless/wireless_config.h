/* SPDX-License-Identifier: Apache-2.0 */
/* What a wireless port asks for: the one judge of it, whichever source it comes from. Pure. */
#pragma once

#include "nim/config.h"

struct Ew__PortConfig;

#define NIM_WIFI_NETWORKS 16 /* of one port */

/*
 * Fills in what nim_port has of it, with pointers into the message. What cannot work (no access
 * point, a key that is none) is the error of the port; no error shows a key or a password.
 */
void nim_wireless_load(struct nim_port *port, const struct Ew__PortConfig *msg);

/* The two ask their daemon for the same. */
bool nim_wireless_equal(const struct nim_port *a, const struct nim_port *b);
