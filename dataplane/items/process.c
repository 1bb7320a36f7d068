/* SPDX-License-Identifier: Apache-2.0 */
/* A helper process as such: any program, described by its argument list. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "dataplane/items/proc.h"
#include "dataplane/items/rundir.h"

void dp_stamp(const char *text, char ret[DP_STAMP])
{
	size_t len = strlen(text);

	snprintf(ret, DP_STAMP, "%08" PRIx32 "%08" PRIx32, hash_bytes(text, len, 1),
		 hash_bytes(text, len, 2));
}

/* Bytes of arguments joined by NUL, without the empty one at their end. */
static size_t argv_len(const char *argv)
{
	const char *end = argv;

	if (!argv)
		return 0;
	while (*end)
		end += strlen(end) + 1;
	return (size_t)(end - argv);
}

static int process_copy(void *dst, const void *src)
{
	const struct dp_process *from = src;
	struct dp_process *to = dst;

	*to = *from;
	to->argv = from->argv ? xmemdup(from->argv, argv_len(from->argv) + 1) : xcalloc(1, 1);
	return 0;
}

static void process_clear(void *spec)
{
	struct dp_process *process = spec;

	free(take_ptr(process->argv));
}

static void process_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_process *)spec)->name);
}

static bool argv_equal(const char *a, const char *b)
{
	size_t len = argv_len(a);

	return len == argv_len(b) && (len == 0 || memcmp(a, b, len) == 0);
}

static enum dp_change process_diff(const void *have, const void *want)
{
	const struct dp_process *h = have, *w = want;

	if (!argv_equal(h->argv, w->argv) || strcmp(h->stamp, w->stamp) != 0)
		return DP_RECREATE;
	if (!ifname_equal(&h->needs_link, &w->needs_link))
		return DP_RECREATE;
	return strcmp(h->reload_stamp, w->reload_stamp) != 0 ? DP_MODIFY : DP_SAME;
}

static void process_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_process *process = want;

	for (size_t i = 0; i < ARRAY_SIZE(process->needs_file); i++)
		if (process->needs_file[i][0])
			dp_need(deps, &dp_file_type, process->needs_file[i], 0, NULL);
	if (process->needs_link.str[0])
		dp_need(deps, &dp_link_type, process->needs_link.str, 0, NULL);
}

static void process_print(const void *spec, struct strbuf *out)
{
	const struct dp_process *process = spec;
	const char *arg = process->argv;

	strbuf_add(out, "argv=\"");
	for (; arg && *arg; arg += strlen(arg) + 1)
		strbuf_addf(out, "%s%s", arg == process->argv ? "" : " ", arg);
	strbuf_addf(out, "\" stamp=%s reload_stamp=%s", process->stamp, process->reload_stamp);
}

/* ---- As a process ---- */

static int process_command(const struct dp *dp, const void *spec, struct proc_command *ret)
{
	const struct dp_process *process = spec;
	const char *arg = process->argv;

	(void)dp;
	for (; arg && *arg; arg += strlen(arg) + 1) {
		if (strchr(arg, '\n')) /* the record has a line per argument */
			return -EINVAL;
		proc_arg(ret, "%s", arg);
	}
	return 0;
}

static uint32_t process_stop_ms(const void *spec)
{
	const struct dp_process *process = spec;

	return process->stop_ms ? process->stop_ms : 3000;
}

static void process_save(const void *spec, struct strbuf *out)
{
	const struct dp_process *process = spec;
	const char *arg = process->argv;

	strbuf_addf(out, "name=%s\nstamp=%s\nreload_stamp=%s\n", process->name, process->stamp,
		    process->reload_stamp);
	strbuf_addf(out, "needs_link=%s\nstop_ms=%u\n", process->needs_link.str, process->stop_ms);
	for (size_t i = 0; i < ARRAY_SIZE(process->needs_file); i++)
		strbuf_addf(out, "needs_file%zu=%s\n", i, process->needs_file[i]);
	for (; arg && *arg; arg += strlen(arg) + 1)
		strbuf_addf(out, "arg=%s\n", arg);
}

static void argv_append(char **argv, const char *arg)
{
	size_t len = *argv ? argv_len(*argv) : 0, n = strlen(arg) + 1;

	*argv = xrealloc(*argv, len + n + 1, 1);
	memcpy(*argv + len, arg, n);
	(*argv)[len + n] = '\0';
}

static int process_load(const char *key, const char *value, void *spec)
{
	struct dp_process *process = spec;

	if (strcmp(key, "name") == 0)
		return proc_load_text(value, process->name, sizeof(process->name));
	if (strcmp(key, "stamp") == 0)
		return proc_load_text(value, process->stamp, sizeof(process->stamp));
	if (strcmp(key, "reload_stamp") == 0)
		return proc_load_text(value, process->reload_stamp, sizeof(process->reload_stamp));
	if (strcmp(key, "needs_link") == 0)
		return proc_load_text(value, process->needs_link.str,
				      sizeof(process->needs_link.str));
	if (strcmp(key, "needs_file0") == 0)
		return proc_load_text(value, process->needs_file[0],
				      sizeof(process->needs_file[0]));
	if (strcmp(key, "needs_file1") == 0)
		return proc_load_text(value, process->needs_file[1],
				      sizeof(process->needs_file[1]));
	if (strcmp(key, "stop_ms") == 0) {
		process->stop_ms = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	}
	if (strcmp(key, "arg") != 0)
		return -EINVAL;
	argv_append(&process->argv, value);
	return 0;
}

static const struct proc_kind kind = {
	.type = &dp_process_type,
	.command = process_command,
	.stop_ms = process_stop_ms,
	.save = process_save,
	.load = process_load,
};

static int process_create(struct dp_op *op, const void *want)
{
	return proc_create(op, &kind, want);
}

static int process_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return proc_reload(op, &kind, want);
}

static int process_remove(struct dp_op *op, const void *have)
{
	return proc_remove(op, &kind, have);
}

static int process_observe(struct dp *dp)
{
	return proc_observe(dp, &kind);
}

const struct dp_type dp_process_type = {
	.name = "process",
	.size = sizeof(struct dp_process),
	.copy = process_copy,
	.clear = process_clear,
	.key = process_key,
	.diff = process_diff,
	.needs = process_needs,
	.print = process_print,
	.create = process_create,
	.modify = process_modify,
	.remove = process_remove,
	.cancel = proc_cancel,
	.observe = process_observe,
	.timeout_ms = 20000,
	.aside = true,
};
