/* SPDX-License-Identifier: Apache-2.0 */
/* Wi-Fi and cellular of EVE's DevicePortConfig file to the message nim works with. Pure. */
#pragma once

struct arena;
struct Dpc__Wireless;
struct Ew__PortConfig;

/*
 * Fills in port's type of radio and what it asks for, in the arena. Legacy cellular settings count
 * where there are no newer ones. NULL, or why that is not what the file says: a word that is none, or
 * a secret that is encrypted. What the values are worth is nim_wireless_load()'s to say.
 */
const char *dpc_wireless_read(const struct Dpc__Wireless *from, struct arena *arena,
			      struct Ew__PortConfig *port);
