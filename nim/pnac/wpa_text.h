/* SPDX-License-Identifier: Apache-2.0 */
/* What wpa_supplicant says on its control socket. Pure: foreign bytes come in, plain values out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as EVE's, and as those of the EVE API (SupplicantState). */
enum pnac_state {
	PNAC_UNSPECIFIED, /* not known (yet) */
	PNAC_DISCONNECTED,
	PNAC_CONNECTING, /* asks for an authenticator */
	PNAC_AUTHENTICATING,
	PNAC_AUTHENTICATED,
	PNAC_FAILED,
	PNAC_HELD, /* failed, and waits before it tries again */
};
const char *pnac_state_name(enum pnac_state state); /* "authenticated" */

struct wpa_status {
	enum pnac_state
		state; /* while it is authorized: PNAC_AUTHENTICATED, also during another round */
	bool authorized;
};

struct wpa_mib { /* counters since wpa_supplicant's start; names as in IEEE 802.1X */
	uint64_t frames_rx, frames_tx;
	uint64_t start_tx, logoff_tx, resp_tx;
	uint64_t req_id_rx, req_rx;
	uint64_t invalid_rx, length_error_rx;
};

/* Answers to STATUS and MIB; -EINVAL: it is none. Lines that are not known are passed over. */
int wpa_status_parse(const char *text, size_t len, struct wpa_status *ret);
int wpa_mib_parse(const char *text, size_t len, struct wpa_mib *ret);

#define WPA_WHY 160

enum wpa_event {
	WPA_EVENT_OTHER,
	WPA_EVENT_STARTED, /* a round of authentication began */
	WPA_EVENT_TROUBLE, /* why it will fail */
	WPA_EVENT_SUCCESS,
	WPA_EVENT_FAILURE,
	WPA_EVENT_TERMINATING,
};

/* Of an unsolicited message "<3>CTRL-EVENT-…". why is written with WPA_EVENT_TROUBLE: plain ASCII. */
enum wpa_event wpa_event_parse(const char *text, size_t len, char why[static WPA_WHY]);
