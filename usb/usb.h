/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sticks with a partition named DevicePortConfig: what usb.json on it says is put where nim finds
 * it, <run-dir>/usb/usb.json, while the stick is plugged in; a folder dump on it gets a diagnostic
 * archive, a folder identity who this node is. One stick at a time, others wait their turn.
 *
 * This process waits and tells; usb-stick touches the sticks (cmd/usb-stick/main.c).
 */
#pragma once

struct daemon;
struct usb;

#define USB_IDENTITY_DIR "/config" /* as in EVE */

struct usb_options { /* from the command line; borrowed */
	const char *identity_dir; /* NULL: USB_IDENTITY_DIR */
};

int usb_new(struct daemon *d, const struct usb_options *options, struct usb **ret);
/* What a stick said stays: the next run looks for the stick. NULL is fine. */
struct usb *usb_free(struct usb *usb);
static inline void usb_freep(struct usb **usb)
{
	usb_free(*usb);
}
