/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/proc_record.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hmap.h"
#include "dataplane/items/rundir.h"

#define STATE_MAX 65536 /* bytes of a state file */

/* ---- Commands ---- */

void proc_arg(struct proc_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&cmd->argv, fmt, ap);
	va_end(ap);
	strbuf_addc(&cmd->argv, '\0');
}

int proc_bind(struct proc_command *cmd, const char *from, const char *to)
{
	int r = dir_make(from, 0755);

	if (r == 0)
		r = dir_make(to, 0755);
	if (r < 0)
		return r;
	if (cmd->binds == PROC_BINDS)
		return -E2BIG;
	cmd->bind_from[cmd->binds] = xstrdup(from);
	cmd->bind_to[cmd->binds++] = xstrdup(to);
	return 0;
}

void proc_command_fini(struct proc_command *cmd)
{
	strbuf_fini(&cmd->argv);
	for (unsigned int i = 0; i < cmd->binds; i++) {
		free(cmd->bind_from[i]);
		free(cmd->bind_to[i]);
	}
}

/* ---- Specs, names, files ---- */

void *proc_spec_dup(const struct dp_type *type, const void *spec)
{
	void *copy = xcalloc(1, type->size);

	if (!type->copy)
		return memcpy(copy, spec, type->size);
	if (type->copy(copy, spec) < 0)
		abort(); /* a spec the engine holds was copied before */
	return copy;
}

void proc_spec_drop(const struct dp_type *type, void **spec)
{
	if (*spec && type->clear)
		type->clear(*spec);
	free(take_ptr(*spec));
}

char *proc_id(const struct dp_type *type, const void *spec)
{
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT, id = STRBUF_INIT;

	type->key(spec, &key);
	strbuf_addf(&id, "%s.", type->name);
	rundir_escape(strbuf_str(&key), &id);
	return strbuf_take(&id);
}

char *proc_id_path(const struct dp *dp, const char *id, const char *suffix)
{
	_cleanup_(freep) char *name = xasprintf("%s.%s", id, suffix);

	return rundir_path(dp, "pids", name);
}

char *proc_path(const struct dp *dp, const struct dp_type *type, const void *spec,
		const char *suffix)
{
	_cleanup_(freep) char *id = proc_id(type, spec);

	return proc_id_path(dp, id, suffix);
}

/* What the program was started as, so that a daemon that would start it otherwise knows. */
static uint32_t command_hash(const struct proc_command *cmd)
{
	return hash_bytes(strbuf_str(&cmd->argv), cmd->argv.len, 0);
}

int proc_record_save(const struct dp *dp, const struct proc_kind *kind, const char *id,
		     const void *spec, const struct proc_command *cmd)
{
	_cleanup_(freep) char *path = proc_id_path(dp, id, "state");
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "command=%08x\n", command_hash(cmd));
	kind->save(spec, &text);
	return file_replace_volatile(path, strbuf_str(&text), text.len, 0644);
}

int proc_load_text(const char *value, char *buf, size_t size)
{
	size_t len = strlen(value);

	if (len >= size)
		return -EINVAL;
	memcpy(buf, value, len + 1);
	return 0;
}

static int load_lines(const struct proc_kind *kind, char *text, void *spec, char *ret_hash)
{
	char *line, *value;
	int r;

	while ((line = strsep(&text, "\n"))) {
		if (*line == '\0')
			continue;
		value = strchr(line, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (strcmp(line, "command") == 0) {
			snprintf(ret_hash, 9, "%s", value);
			continue;
		}
		r = kind->load(line, value, spec);
		if (r < 0)
			return r;
	}
	return 0;
}

int proc_record_load(const struct dp *dp, const struct proc_kind *kind, const char *id, void **ret)
{
	_cleanup_(freep) char *path = proc_id_path(dp, id, "state"), *text = NULL;
	struct proc_command cmd = { 0 };
	char was[9] = "", is[9];
	void *spec;
	int r;

	r = file_read(path, STATE_MAX, &text, NULL);
	if (r < 0)
		return r;
	spec = xcalloc(1, kind->type->size);
	r = load_lines(kind, text, spec, was);
	if (r == 0)
		r = kind->command(dp, spec, &cmd);
	snprintf(is, sizeof(is), "%08x", command_hash(&cmd));
	proc_command_fini(&cmd);
	if (r == 0 && strcmp(was, is) != 0)
		r = -ESTALE;
	if (r < 0)
		proc_spec_drop(kind->type, &spec);
	else
		*ret = spec;
	return r;
}
