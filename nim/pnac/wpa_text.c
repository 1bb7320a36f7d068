/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/pnac/wpa_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *pnac_state_name(enum pnac_state state)
{
	switch (state) {
	case PNAC_UNSPECIFIED:
		break;
	case PNAC_DISCONNECTED:
		return "disconnected";
	case PNAC_CONNECTING:
		return "connecting";
	case PNAC_AUTHENTICATING:
		return "authenticating";
	case PNAC_AUTHENTICATED:
		return "authenticated";
	case PNAC_FAILED:
		return "failed";
	case PNAC_HELD:
		return "held";
	}
	return "unknown";
}

/* ---- KEY=VALUE lines ---- */

#define LINE 128 /* no line we look at is longer */

/* The next line that fits, as key and value; false: there are no more. */
static bool next_pair(const char **at, const char *end, char buf[static LINE], char **ret_value)
{
	while (*at < end) {
		const char *eol = memchr(*at, '\n', (size_t)(end - *at));
		size_t len = (size_t)((eol ? eol : end) - *at);
		const char *line = *at;

		*at = eol ? eol + 1 : end;
		if (len >= LINE || memchr(line, '\0', len))
			continue;
		memcpy(buf, line, len);
		buf[len] = '\0';
		*ret_value = strchr(buf, '=');
		if (!*ret_value)
			continue;
		*(*ret_value)++ = '\0';
		return true;
	}
	return false;
}

/* The names of the states of IEEE 802.1X's supplicant PAE (eapol_supp_sm.c, eapol_supp_pae_state()). */
static enum pnac_state pae_state(const char *name)
{
	static const struct {
		const char *name;
		enum pnac_state state;
	} states[] = {
		{ "LOGOFF", PNAC_DISCONNECTED },	{ "DISCONNECTED", PNAC_DISCONNECTED },
		{ "CONNECTING", PNAC_CONNECTING },	{ "AUTHENTICATING", PNAC_AUTHENTICATING },
		{ "RESTART", PNAC_AUTHENTICATING },	{ "AUTHENTICATED", PNAC_AUTHENTICATED },
		{ "S_FORCE_AUTH", PNAC_AUTHENTICATED }, { "HELD", PNAC_HELD },
		{ "S_FORCE_UNAUTH", PNAC_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].name, name) == 0)
			return states[i].state;
	return PNAC_UNSPECIFIED;
}

int wpa_status_parse(const char *text, size_t len, struct wpa_status *ret)
{
	struct wpa_status status = { 0 };
	const char *end = text + len;
	char buf[LINE], *value;
	bool known = false, failed = false;

	while (next_pair(&text, end, buf, &value)) {
		known = known || strcmp(buf, "wpa_state") == 0;
		if (strcmp(buf, "Supplicant PAE state") == 0)
			status.state = pae_state(value);
		else if (strcmp(buf, "suppPortStatus") == 0)
			status.authorized = strcmp(value, "Authorized") == 0;
		else if (strcmp(buf, "EAP state") == 0)
			failed = strcmp(value, "FAILURE") == 0;
	}
	if (!known)
		return -EINVAL;
	if (status.authorized)
		status.state = PNAC_AUTHENTICATED;
	else if (status.state == PNAC_UNSPECIFIED)
		status.state = PNAC_DISCONNECTED;
	else if (failed && status.state != PNAC_HELD)
		status.state = PNAC_FAILED;
	*ret = status;
	return 0;
}

int wpa_mib_parse(const char *text, size_t len, struct wpa_mib *ret)
{
	struct wpa_mib mib = { 0 };
	const struct {
		const char *key;
		uint64_t *value;
	} counters[] = {
		{ "dot1xSuppEapolFramesRx", &mib.frames_rx },
		{ "dot1xSuppEapolFramesTx", &mib.frames_tx },
		{ "dot1xSuppEapolStartFramesTx", &mib.start_tx },
		{ "dot1xSuppEapolLogoffFramesTx", &mib.logoff_tx },
		{ "dot1xSuppEapolRespFramesTx", &mib.resp_tx },
		{ "dot1xSuppEapolReqIdFramesRx", &mib.req_id_rx },
		{ "dot1xSuppEapolReqFramesRx", &mib.req_rx },
		{ "dot1xSuppInvalidEapolFramesRx", &mib.invalid_rx },
		{ "dot1xSuppEapLengthErrorFramesRx", &mib.length_error_rx },
	};
	const char *end = text + len;
	char buf[LINE], *value;
	bool known = false;

	while (next_pair(&text, end, buf, &value))
		for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
			if (strcmp(buf, counters[i].key) != 0)
				continue;
			known = true;
			*counters[i].value = strtoull(value, NULL, 10);
		}
	if (!known)
		return -EINVAL;
	*ret = mib;
	return 0;
}

/* ---- Events ---- */

/* The text between the quotes of NAME='…', up to the last quote that ends it: the authenticator
 * chooses what its certificate's subject holds. False: there is none. */
static bool quoted(const char *text, const char *name, char *ret, size_t size)
{
	const char *at = strstr(text, name), *end;
	size_t len;

	if (!at)
		return false;
	at += strlen(name);
	end = strstr(at, "' ");
	len = end ? (size_t)(end - at) : strcspn(at, "'");
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		ret[i] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
	ret[len] = '\0';
	return true;
}

static enum wpa_event status_event(const char *text, char why[static WPA_WHY])
{
	char status[48], parameter[64];

	if (!quoted(text, " status='", status, sizeof(status)) ||
	    !quoted(text, " parameter='", parameter, sizeof(parameter)))
		return WPA_EVENT_OTHER;
	if (strcmp(status, "remote TLS alert") == 0)
		snprintf(why, WPA_WHY, "the authenticator refuses the certificate: %s", parameter);
	else if (strcmp(status, "local TLS alert") == 0)
		snprintf(why, WPA_WHY, "the authenticator's certificate is refused: %s", parameter);
	else
		return WPA_EVENT_OTHER;
	return WPA_EVENT_TROUBLE;
}

static enum wpa_event cert_event(const char *text, char why[static WPA_WHY])
{
	char subject[48] = "", err[64] = "";

	quoted(text, " subject='", subject, sizeof(subject));
	quoted(text, " err='", err, sizeof(err));
	snprintf(why, WPA_WHY, "the authenticator's certificate %s is refused: %s", subject, err);
	return WPA_EVENT_TROUBLE;
}

static enum wpa_event method_event(const char *text, char why[static WPA_WHY])
{
	const char *method = strstr(text, " method=");

	if (!strstr(text, " -> NAK") || !method)
		return WPA_EVENT_OTHER;
	snprintf(why, WPA_WHY, "the authenticator wants EAP method %lu, not TLS",
		 strtoul(method + 8, NULL, 10));
	return WPA_EVENT_TROUBLE;
}

static enum wpa_event success_event(const char *text, char why[static WPA_WHY])
{
	(void)text, (void)why;
	return WPA_EVENT_SUCCESS;
}

static enum wpa_event failure_event(const char *text, char why[static WPA_WHY])
{
	(void)text, (void)why;
	return WPA_EVENT_FAILURE;
}

static enum wpa_event started_event(const char *text, char why[static WPA_WHY])
{
	(void)text, (void)why;
	return WPA_EVENT_STARTED;
}

static enum wpa_event terminating_event(const char *text, char why[static WPA_WHY])
{
	(void)text, (void)why;
	return WPA_EVENT_TERMINATING;
}

enum wpa_event wpa_event_parse(const char *text, size_t len, char why[static WPA_WHY])
{
	static const struct {
		const char *prefix;
		enum wpa_event (*parse)(const char *text, char why[static WPA_WHY]);
	} events[] = {
		{ "CTRL-EVENT-EAP-STARTED", started_event },
		{ "CTRL-EVENT-EAP-STATUS", status_event },
		{ "CTRL-EVENT-EAP-TLS-CERT-ERROR", cert_event },
		{ "CTRL-EVENT-EAP-PROPOSED-METHOD", method_event },
		{ "CTRL-EVENT-EAP-SUCCESS", success_event },
		{ "CTRL-EVENT-EAP-FAILURE", failure_event },
		{ "CTRL-EVENT-TERMINATING", terminating_event },
	};
	char line[512];
	const char *at;

	if (len >= sizeof(line))
		len = sizeof(line) - 1; /* what we look at comes first */
	memcpy(line, text, len);
	line[len] = '\0';
	at = line[0] == '<' ? strchr(line, '>') : NULL;
	for (size_t i = 0; at && i < ARRAY_SIZE(events); i++)
		if (strncmp(at + 1, events[i].prefix, strlen(events[i].prefix)) == 0)
			return events[i].parse(at + 1, why);
	return WPA_EVENT_OTHER;
}
