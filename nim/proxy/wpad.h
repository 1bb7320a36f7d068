/* SPDX-License-Identifier: Apache-2.0 */
/* Where a network may have a PAC file for who asks it: WPAD, draft-ietf-wrec-wpad-01. Pure. */
#pragma once

struct arena;
struct nim_iface;
struct nim_port;
struct Ew__ConnPac;

#define WPAD_URLS 8

/*
 * That of DHCP option 252; then http://wpad.DOMAIN/wpad.dat of the port's domain, and of those above
 * it, as long as two labels are left: wpad.com is somebody else's. At most WPAD_URLS, those that are
 * left over are the topmost. Appended to pac, which has room; in the arena.
 */
void wpad_urls(const struct nim_port *port, const struct nim_iface *iface, struct Ew__ConnPac *pac,
	       struct arena *arena);
