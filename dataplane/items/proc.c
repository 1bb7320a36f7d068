/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/proc_table.h"

#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hmap.h"
#include "base/log.h"
#include "dataplane/items/proc_log.h"
#include "dataplane/items/proc_record.h"
#include "dataplane/items/rundir.h"

#define PROBATION_MS 1000
#define STOP_MS 3000
#define SAID_LINES 20 /* of one process, in */
#define SAID_MS 10000

static void proc_exited(struct child *c, int status, void *arg);
static const struct child_ops child_ops = { .exited = proc_exited };

/* ---- One process ---- */

static void unlink_path(const struct proc *p, const char *suffix)
{
	_cleanup_(freep) char *path = proc_id_path(p->dp, p->id, suffix);

	unlink(path);
}

/* The one door to a new state; who waits is told by the caller. */
static void proc_set_state(struct proc *p, enum proc_state state)
{
	static const char *const names[] = { "down", "starting", "up", "stopping" };

	if (p->state == state)
		return;
	log_debug("process_state", "id=%s from=%s to=%s", p->id, names[p->state], names[state]);
	p->state = state;
}

static void proc_finish(struct proc *p, int err)
{
	struct dp_op *op = take_ptr(p->op);

	if (op)
		dp_op_done(op, err);
}

/* Up once it is ready and, after an early end of its predecessor, has lived for a while. */
void proc_check_up(struct proc *p)
{
	if (p->state != PROC_STARTING || p->unready || evtimer_pending(p->timer, NULL))
		return;
	proc_set_state(p, PROC_UP);
	proc_finish(p, 0);
}

void proc_timer(evutil_socket_t fd, short what, void *arg)
{
	struct proc *p = arg;

	(void)fd;
	(void)what;
	if (p->state == PROC_UP && p->again)
		child_signal(p->child, p->again);
	p->again = 0;
	proc_check_up(p);
}

static void proc_stop(struct proc *p, uint32_t deadline_ms)
{
	child_stop(p->child, deadline_ms);
	evtimer_del(p->timer);
	proc_set_state(p, PROC_STOPPING);
}

static void proc_said(const char *line, void *arg)
{
	struct proc *p = arg;
	bool usual = !p->kind->usual || p->kind->usual(line);
	unsigned int unsaid;

	if (!rate_allow(usual ? &p->usual : &p->unusual, SAID_LINES, SAID_MS, mono_now(), &unsaid))
		return;
	if (usual)
		log_debug("helper_says", "program=%s line=\"%s\" unsaid=%u", p->id, line, unsaid);
	else
		log_warning("helper_said", "program=%s line=\"%s\" unsaid=%u", p->id, line, unsaid);
}

static int open_log(struct proc *p)
{
	_cleanup_(freep) char *dir = rundir_path(p->dp, "log", NULL);
	_cleanup_(freep) char *path = rundir_path(p->dp, "log", p->id);
	int r = dir_make(dir, 0755);

	p->log = proc_log_free(p->log);
	return r < 0 ? r : proc_log_open(dp_base(p->dp), path, proc_said, p, &p->log);
}

/* Nothing of it runs any more. Its record stays until it is not wanted either, so that what it
 * left behind is known. */
static void proc_down(struct proc *p)
{
	_cleanup_(freep) char *log_path = rundir_path(p->dp, "log", p->id);

	p->child = child_free(p->child);
	evtimer_del(p->timer);
	proc_spec_drop(p->kind->type, &p->spec);
	unlink_path(p, "ready");
	p->log = proc_log_free(p->log);
	unlink(log_path);
	proc_set_state(p, PROC_DOWN);
}

/* And it is not to run again: clears what it left behind. */
static void proc_gone(struct proc *p)
{
	void *spec = p->spec ? proc_spec_dup(p->kind->type, p->spec) : NULL;

	proc_down(p);
	if (!spec)
		proc_record_load(p->dp, p->kind, p->id, &spec);
	if (spec && p->kind->ended)
		p->kind->ended(p->dp, spec);
	proc_spec_drop(p->kind->type, &spec);
	unlink_path(p, "state");
}

/* ---- Starting ---- */

static int spawn(struct proc *p, const struct proc_command *cmd)
{
	_cleanup_(freep) char *pid_file = proc_id_path(p->dp, p->id, "pid");
	_cleanup_(freep) const char **argv = NULL;
	struct child_bind binds[PROC_BINDS + 1] = { 0 };
	const char *end = cmd->argv.str + cmd->argv.len;
	size_t n = 0;

	argv = xcalloc(cmd->argv.len + 1, sizeof(*argv)); /* more than there can be arguments */
	for (const char *arg = cmd->argv.str; arg < end; arg += strlen(arg) + 1)
		argv[n++] = arg;
	for (unsigned int i = 0; i < cmd->binds; i++)
		binds[i] = (struct child_bind){ cmd->bind_from[i], cmd->bind_to[i] };
	return child_start(dp_base(p->dp),
			   &(struct child_conf){ .argv = argv,
						 .pid_file = pid_file,
						 .netns_fd = dp_conf(p->dp)->netns_fd,
						 .log_fd = proc_log_fd(p->log),
						 .binds = cmd->binds ? binds : NULL,
						 .cpu_s = cmd->cpu_s },
			   &child_ops, p, &p->child);
}

static int proc_start(struct proc *p, const void *want)
{
	struct proc_command cmd = { 0 };
	int r;

	r = p->kind->command(p->dp, want, &cmd);
	if (r == 0 && cmd.argv.len == 0)
		r = -EINVAL;
	if (r == 0)
		r = proc_record_save(p->dp, p->kind, p->id, want, &cmd);
	if (r == 0)
		r = open_log(p);
	if (r == 0 && cmd.says_ready)
		r = procs_watch(p->procs);
	unlink_path(p, "ready");
	if (r == 0)
		r = spawn(p, &cmd);
	if (r == 0) {
		p->spec = proc_spec_dup(p->kind->type, want);
		p->started = mono_now();
		p->unready = cmd.says_ready;
		if (p->probation)
			evtimer_add(p->timer, &(struct timeval){ .tv_sec = PROBATION_MS / 1000 });
		proc_set_state(p, PROC_STARTING);
	} else {
		proc_gone(p);
	}
	proc_command_fini(&cmd);
	return r;
}

/* Starts and says what create() returns. */
static int proc_start_for(struct proc *p, struct dp_op *op, const void *want)
{
	int r = proc_start(p, want);

	if (r < 0)
		return r;
	proc_check_up(p);
	if (p->state == PROC_UP)
		return 0;
	p->op = op;
	return -EINPROGRESS;
}

/* ---- Ending ---- */

static void proc_describe_end(struct proc *p, int status, struct strbuf *out)
{
	const char *said = p->log ? proc_log_last(p->log) : "";

	if (!p->started.ns)
		strbuf_add(out, "ended"); /* not our child: its status is its parent's */
	else if (status < 0)
		strbuf_addf(out, "killed by signal %d", -status);
	else
		strbuf_addf(out, "ended with status %d", status);
	if (*said)
		strbuf_addf(out, ": %s", said);
}

/* Nobody asked for it. */
static void proc_failed(struct proc *p, int status, enum proc_state was)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT, key = STRBUF_INIT;
	int64_t ran_ms = mono_diff_ms(mono_now(), p->started);

	proc_describe_end(p, status, &why);
	log_warning("process_ended", "id=%s ran_ms=%lld why=\"%s\"", p->id,
		    p->started.ns ? (long long)ran_ms : -1, strbuf_str(&why));
	p->kind->type->key(p->spec, &key);
	p->probation = ran_ms < PROBATION_MS || was == PROC_STARTING;
	proc_down(p);
	if (was == PROC_STARTING && p->op) {
		dp_op_why(p->op, strbuf_str(&why));
		proc_finish(p, -EIO);
	} else {
		dp_gone(p->dp, p->kind->type, strbuf_str(&key));
	}
}

/* As asked for: by remove(), or by create() that has something else to start. */
static void proc_stopped(struct proc *p)
{
	struct dp_op *op = take_ptr(p->op);
	void *next = take_ptr(p->next);
	int r = 0;

	proc_gone(p);
	if (next && op)
		r = proc_start_for(p, op, next);
	proc_spec_drop(p->kind->type, &next);
	if (p->state == PROC_DOWN)
		proc_free(p);
	if (op && r != -EINPROGRESS)
		dp_op_done(op, r);
}

static void proc_exited(struct child *c, int status, void *arg)
{
	struct proc *p = arg;

	(void)c;
	switch (p->state) {
	case PROC_STARTING:
	case PROC_UP:
		proc_failed(p, status, p->state);
		break;
	case PROC_STOPPING:
		proc_stopped(p);
		break;
	case PROC_DOWN:
		break;
	}
}

/* ---- Adoption ---- */

/* Takes over what an earlier run started. One that we do not understand, or would start
 * differently, is stopped. false: nothing runs. */
static bool proc_adopt(struct proc *p)
{
	_cleanup_(freep) char *pid_file = proc_id_path(p->dp, p->id, "pid");
	int r;

	if (child_adopt(dp_base(p->dp), pid_file, &child_ops, p, &p->child) < 0) {
		proc_gone(p);
		return false;
	}
	r = proc_record_load(p->dp, p->kind, p->id, &p->spec);
	if (open_log(p) < 0)
		log_warning("process_log", "id=%s why=\"cannot be read\"", p->id);
	proc_set_state(p, PROC_UP);
	if (r < 0) {
		log_info("process_outdated", "id=%s why=\"%s\"", p->id, strerror(-r));
		proc_stop(p, STOP_MS);
	}
	return true;
}

static void observe_one(struct dp *dp, const char *name, void *arg)
{
	const struct proc_kind *kind = *(const struct proc_kind **)arg;
	const char *type = kind->type->name, *suffix = strrchr(name, '.');
	_cleanup_(freep) char *id = NULL;
	struct proc *p;

	if (strncmp(name, type, strlen(type)) != 0 || name[strlen(type)] != '.')
		return;
	if (!suffix || (strcmp(suffix, ".pid") != 0 && strcmp(suffix, ".state") != 0))
		return;
	id = xstrndup(name, (size_t)(suffix - name));
	p = proc_find(procs_of(dp), id);
	if (!p) {
		p = proc_new(dp, kind, id);
		if (!proc_adopt(p)) {
			proc_free(p);
			return;
		}
	}
	if (p->state == PROC_UP)
		dp_observed(dp, kind->type, p->spec, true);
}

int proc_observe(struct dp *dp, const struct proc_kind *kind)
{
	rundir_each(dp, "pids", observe_one, &kind);
	return 0;
}

/* ---- The hooks ---- */

int proc_create(struct dp_op *op, const struct proc_kind *kind, const void *want)
{
	_cleanup_(freep) char *id = proc_id(kind->type, want);
	struct dp *dp = dp_op_dp(op);
	struct proc *p = proc_find(procs_of(dp), id);

	if (!p) {
		p = proc_new(dp, kind, id);
		proc_adopt(p); /* created before anything was observed */
	}
	*dp_op_data(op) = p;
	switch (p->state) {
	case PROC_DOWN:
		return proc_start_for(p, op, want);
	case PROC_UP:
		if (kind->type->diff(p->spec, want) == DP_SAME)
			return 0;
		proc_stop(p, STOP_MS);
		break;
	case PROC_STARTING:
		return -EBUSY; /* the engine has one operation at a time */
	case PROC_STOPPING:
		break;
	}
	p->op = op;
	proc_spec_drop(kind->type, &p->next);
	p->next = proc_spec_dup(kind->type, want);
	return -EINPROGRESS;
}

int proc_reload(struct dp_op *op, const struct proc_kind *kind, const void *want)
{
	_cleanup_(freep) char *id = proc_id(kind->type, want);
	struct proc *p = proc_find(procs_of(dp_op_dp(op)), id);
	struct proc_command cmd = { 0 };
	int r;

	if (!p || p->state != PROC_UP)
		return -ESRCH;
	/* The signal first: a crash in between makes us send it once more, not once less. */
	r = child_signal(p->child, SIGHUP);
	if (r == 0)
		r = kind->command(p->dp, want, &cmd);
	if (r == 0)
		r = proc_record_save(p->dp, p->kind, p->id, want, &cmd);
	proc_command_fini(&cmd);
	if (r < 0)
		return r;
	proc_spec_drop(kind->type, &p->spec);
	p->spec = proc_spec_dup(kind->type, want);
	return 0;
}

int proc_remove(struct dp_op *op, const struct proc_kind *kind, const void *have)
{
	_cleanup_(freep) char *id = proc_id(kind->type, have);
	struct dp *dp = dp_op_dp(op);
	struct proc *p = proc_find(procs_of(dp), id);

	if (!p) {
		p = proc_new(dp, kind, id);
		proc_adopt(p);
	}
	if (p->state == PROC_DOWN) {
		proc_gone(p);
		proc_free(p);
		return 0;
	}
	*dp_op_data(op) = p;
	p->op = op;
	if (p->state != PROC_STOPPING)
		proc_stop(p, kind->stop_ms ? kind->stop_ms(have) : STOP_MS);
	return -EINPROGRESS;
}

/* The process must not go on half-started: it is killed, and its end is not reported. */
void proc_cancel(struct dp_op *op)
{
	struct proc *p = *dp_op_data(op);

	if (!p || p->op != op)
		return;
	p->op = NULL;
	proc_spec_drop(p->kind->type, &p->next);
	child_signal(p->child, SIGKILL);
	evtimer_del(p->timer);
	proc_set_state(p, PROC_STOPPING);
}

int proc_signal_twice(const struct dp *dp, const struct dp_type *type, const void *spec, int sig,
		      uint32_t after_ms)
{
	_cleanup_(freep) char *id = proc_id(type, spec);
	const struct timeval after = { .tv_sec = after_ms / 1000,
				       .tv_usec = after_ms % 1000 * 1000 };
	struct proc *p = proc_find(procs_of(dp), id);

	if (!p || p->state != PROC_UP)
		return -ESRCH;
	p->again = sig;
	event_add(p->timer, &after);
	return child_signal(p->child, sig);
}
