/* SPDX-License-Identifier: Apache-2.0 */
/* The helper processes of one engine, and the ear on what they say of themselves. */
#include "dataplane/items/proc_table.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"
#include "dataplane/items/proc_log.h"
#include "dataplane/items/proc_record.h"
#include "dataplane/items/rundir.h"

struct procs *procs_of(const struct dp *dp)
{
	return dp_backend_state(dp, &dp_proc_backend);
}

struct proc *proc_find(const struct procs *procs, const char *id)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &procs->map, hash_string(id))
	{
		struct proc *p = container_of(node, struct proc, node);

		if (strcmp(p->id, id) == 0)
			return p;
	}
	return NULL;
}

void proc_free(struct proc *p)
{
	hmap_remove(&p->procs->map, &p->node);
	child_free(p->child);
	proc_log_free(p->log);
	event_free(p->timer);
	proc_spec_drop(p->kind->type, &p->spec);
	proc_spec_drop(p->kind->type, &p->next);
	free(p->id);
	free(p);
}

struct proc *proc_new(struct dp *dp, const struct proc_kind *kind, const char *id)
{
	struct proc *p = xcalloc(1, sizeof(*p));

	p->procs = procs_of(dp);
	p->dp = dp;
	p->kind = kind;
	p->id = xstrdup(id);
	p->timer = evtimer_new(dp_base(dp), proc_timer, p);
	hmap_insert(&p->procs->map, &p->node, hash_string(id));
	return p;
}

/* ---- The backend: one table of processes per engine ---- */

static void ready_seen(struct procs *procs, const char *name)
{
	const char *suffix = strrchr(name, '.');
	_cleanup_(freep) char *id = NULL;
	struct proc *p;

	if (!suffix || strcmp(suffix, ".ready") != 0)
		return;
	id = xstrndup(name, (size_t)(suffix - name));
	p = proc_find(procs, id);
	if (!p || p->state != PROC_STARTING)
		return;
	p->unready = false;
	proc_check_up(p);
}

static void ready_found(struct dp *dp, const char *name, void *arg)
{
	(void)dp;
	ready_seen(arg, name);
}

static void pids_changed(evutil_socket_t fd, short what, void *arg)
{
	const struct inotify_event *event;
	struct inotify_events events;
	struct procs *procs = arg;

	(void)what;
	for (event = inotify_first(&events, fd); event; event = inotify_next(&events)) {
		if (event->mask & IN_Q_OVERFLOW)
			rundir_each(procs->dp, "pids", ready_found, procs);
		else if (event->len)
			ready_seen(procs, event->name);
	}
}

int procs_watch(struct procs *procs)
{
	_cleanup_(freep) char *dir = rundir_path(procs->dp, "pids", NULL);

	if (procs->readable)
		return 0;
	procs->inotify = inotify_open(dir, IN_CLOSE_WRITE | IN_MOVED_TO);
	if (procs->inotify < 0)
		return procs->inotify;
	procs->readable = event_new(dp_base(procs->dp), procs->inotify, EV_READ | EV_PERSIST,
				    pids_changed, procs);
	event_add(procs->readable, NULL);
	return 0;
}

static void procs_close(void *state)
{
	struct procs *procs = state;
	struct hmap_node *node;

	while ((node = hmap_first(&procs->map)))
		proc_free(container_of(node, struct proc, node));
	hmap_fini(&procs->map);
	if (procs->readable)
		event_free(procs->readable);
	closep(&procs->inotify);
	free(procs);
}

static int procs_open(struct dp *dp, void **ret_state)
{
	struct procs *procs = xcalloc(1, sizeof(*procs));

	procs->dp = dp;
	hmap_init(&procs->map);
	procs->inotify = -1;
	*ret_state = procs;
	return 0;
}

static void procs_flush(void *state)
{
	(void)state; /* nothing is queued: processes start at once */
}

const struct dp_backend dp_proc_backend = {
	.name = "proc",
	.open = procs_open,
	.flush = procs_flush,
	.close = procs_close,
};
