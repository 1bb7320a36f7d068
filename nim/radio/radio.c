/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/radio/radio.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "radio.pb-c.h"

const char *radio_owner_name(enum radio_owner owner)
{
	static const char *const names[RADIO_OWNERS] = { "wwan", "wlan" };

	return names[owner];
}

const char *radio_state_name(enum radio_state state)
{
	switch (state) {
	case RADIO_NEVER:
		break;
	case RADIO_CHANGING:
		return "changing";
	case RADIO_DONE:
		return "done";
	case RADIO_FAILED:
		return "failed";
	}
	return "never";
}

static void begin(struct radio *r, struct mono now, unsigned int timeout_s)
{
	r->state = RADIO_CHANGING;
	r->late = false;
	r->error[0] = '\0';
	r->deadline.ns = now.ns + timeout_s * 1000000000ULL;
}

void radio_restore(struct radio *r, bool requested, int64_t requested_ms, struct mono now,
		   unsigned int timeout_s)
{
	r->requested = requested;
	r->requested_ms = requested_ms;
	if (requested_ms)
		begin(r, now, timeout_s);
}

void radio_request(struct radio *r, bool requested, int64_t wall_ms, struct mono now,
		   unsigned int timeout_s)
{
	/* It names the request, also when the clock is set back. */
	r->requested_ms = wall_ms > r->requested_ms ? wall_ms : r->requested_ms + 1;
	r->requested = requested;
	begin(r, now, timeout_s);
}

static void __attribute__((__format__(__printf__, 3, 4)))
add(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	if (len && len < size - 1)
		len += (size_t)snprintf(text + len, size - len, "; ");
	if (len >= size - 1)
		return; /* the first say most */
	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}

void radio_take_ack(struct radio *r, enum radio_owner owner, const struct Ew__RadioAck *ack)
{
	char *error = r->acks[owner].error;
	size_t size = sizeof(r->acks[owner].error);

	r->acks[owner].requested_ms = ack ? ack->change_requested_ms : 0;
	error[0] = '\0';
	if (!ack)
		return;
	if (ack->error[0])
		add(error, size, "%s", ack->error);
	for (size_t i = 0; i < ack->n_devices; i++) {
		const Ew__RadioDevice *d = ack->devices[i];

		if (d->error[0])
			add(error, size, "%s: %s", d->name, d->error);
		else if (d->off != r->requested)
			add(error, size, "%s is still %s", d->name, d->off ? "off" : "on");
	}
}

unsigned int radio_owners(const struct nim_config *config)
{
	unsigned int owners = 0;

	for (unsigned int i = 0; i < config->nports; i++) {
		switch (config->ports[i].wireless) {
		case NIM_WIRELESS_NONE:
			break;
		case NIM_WIRELESS_CELLULAR:
			owners |= 1u << RADIO_WWAN;
			break;
		case NIM_WIRELESS_WIFI:
			owners |= 1u << RADIO_WLAN;
			break;
		}
	}
	return owners;
}

unsigned int radio_missing(const struct radio *r, unsigned int owners)
{
	for (unsigned int i = 0; i < RADIO_OWNERS; i++)
		if (r->acks[i].requested_ms == r->requested_ms)
			owners &= ~(1u << i);
	return owners;
}

static void wait_for(struct radio *r, unsigned int missing, struct mono now, unsigned int timeout_s)
{
	bool settled = r->state == RADIO_DONE || (r->state == RADIO_FAILED && !r->late);

	if (settled) /* somebody else has radios now */
		begin(r, now, timeout_s);
	if (r->requested)
		r->imposed = false;
	if (r->state != RADIO_CHANGING || now.ns < r->deadline.ns)
		return;
	r->state = RADIO_FAILED;
	r->late = true;
	r->imposed = false;
	for (unsigned int i = 0; i < RADIO_OWNERS; i++)
		if (missing & 1u << i)
			add(r->error, sizeof(r->error), "%s has not acknowledged within %u s",
			    radio_owner_name((enum radio_owner)i), timeout_s);
}

static void conclude(struct radio *r, unsigned int owners)
{
	r->late = false;
	r->error[0] = '\0';
	for (unsigned int i = 0; i < RADIO_OWNERS; i++)
		if (owners & 1u << i && r->acks[i].error[0])
			add(r->error, sizeof(r->error), "%s: %s",
			    radio_owner_name((enum radio_owner)i), r->acks[i].error);
	r->state = r->error[0] ? RADIO_FAILED : RADIO_DONE;
	r->imposed = r->requested && !r->error[0];
}

bool radio_step(struct radio *r, unsigned int owners, struct mono now, unsigned int timeout_s)
{
	unsigned int missing = radio_missing(r, owners);
	struct radio was = *r;

	if (r->state == RADIO_NEVER)
		return false;
	r->missing = missing;
	if (missing)
		wait_for(r, missing, now, timeout_s);
	else
		conclude(r, owners);
	return was.missing != missing || was.state != r->state || was.imposed != r->imposed ||
	       strcmp(was.error, r->error) != 0;
}

int64_t radio_due_ms(const struct radio *r, struct mono now)
{
	int64_t ms = mono_diff_ms(r->deadline, now) + 1;

	if (r->state != RADIO_CHANGING)
		return -1;
	return ms < 0 ? 0 : ms;
}

bool radio_silences(const struct radio *r, const struct nim_port *port)
{
	return port->wireless != NIM_WIRELESS_NONE && (r->requested || r->imposed);
}

struct Ew__RadioStatus *radio_status(const struct radio *r, unsigned int owners,
				     struct arena *arena)
{
	Ew__RadioStatus *s = arena_alloc(arena, sizeof(*s));
	unsigned int missing = r->state == RADIO_NEVER ? 0 : radio_missing(r, owners);

	ew__radio_status__init(s);
	s->imposed = r->imposed;
	s->change_in_progress = r->state == RADIO_CHANGING;
	s->change_requested_ms = r->requested_ms;
	s->config_error = arena_strdup(arena, r->error);
	s->requested = r->requested;
	s->waits_for = arena_alloc(arena, RADIO_OWNERS * sizeof(char *));
	for (unsigned int i = 0; i < RADIO_OWNERS; i++)
		if (missing & 1u << i)
			s->waits_for[s->n_waits_for++] =
				arena_strdup(arena, radio_owner_name((enum radio_owner)i));
	return s;
}
