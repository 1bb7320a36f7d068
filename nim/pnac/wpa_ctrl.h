/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of one wpa_supplicant's control socket, on the event loop. It connects as soon as the
 * socket is there, and again when another one takes its place; it asks one thing at a time.
 */
#pragma once

#include <stddef.h>

struct event_base;
struct wpa_ctrl;

enum wpa_command {
	WPA_STATUS,
	WPA_MIB,
	WPA_REAUTHENTICATE, /* another round, the port stays authorized meanwhile */
	WPA_REASSOCIATE, /* from the beginning */
	WPA_COMMANDS,
};

struct wpa_ctrl_ops { /* from the loop; texts are foreign bytes, borrowed for the call */
	void (*attached)(void *arg); /* from here on events come */
	void (*event)(const char *text, size_t len, void *arg);
	void (*answer)(enum wpa_command command, const char *text, size_t len, void *arg);
	void (*lost)(void *arg); /* it was attached; what was asked is not answered any more */
};

/* path: of the socket, which need not be there yet. None of the callbacks may free it. */
int wpa_ctrl_new(struct event_base *base, const char *path, const struct wpa_ctrl_ops *ops,
		 void *arg, struct wpa_ctrl **ret);
struct wpa_ctrl *wpa_ctrl_free(struct wpa_ctrl *c); /* NULL is fine */

/* The answer follows. The same command twice before it was sent is one; when not attached nothing
 * happens. */
void wpa_ctrl_ask(struct wpa_ctrl *c, enum wpa_command command);
