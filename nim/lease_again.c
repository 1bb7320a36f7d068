/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/lease_again.h"

#include <event2/event.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "dataplane/lease.h"
#include "nim/nim_state.h"

#define PAUSE_S 5

struct lease_again {
	struct nim *nim;
	struct event *timer;
};

static void start_anew(evutil_socket_t fd, short what, void *arg)
{
	struct lease_again *l = arg;
	struct nim *nim = l->nim;
	bool any = false;

	(void)fd, (void)what;
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		struct nim_iface *iface = &nim->facts.ifaces[i];

		if (!iface->lease4.refused[0])
			continue;
		iface->client_since_s = dp_lease_clock();
		any = true;
	}
	if (any)
		nim_changed(nim);
}

void lease_again_refused(struct lease_again *l)
{
	if (!evtimer_pending(l->timer, NULL))
		evtimer_add(l->timer, &(struct timeval){ .tv_sec = PAUSE_S });
}

struct lease_again *lease_again_new(struct nim *nim)
{
	struct lease_again *l = xcalloc(1, sizeof(*l));

	l->nim = nim;
	l->timer = evtimer_new(daemon_base(nim->daemon), start_anew, l);
	return l;
}

struct lease_again *lease_again_free(struct lease_again *l)
{
	if (!l)
		return NULL;
	event_free(l->timer);
	free(l);
	return NULL;
}
