/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/dpc_check.h"

#include <errno.h>
#include <event2/event.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "bootstrap/container.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dpc.h"
#include "cmd/edgeway/status_view.h"
#include "nim/dpc/dpc_bootstrap.h"
#include "nim/dpc/dpc_read.h"
#include "zedagent/bootstrap_judge.h"

#define ROOTS "root-certificate.pem"
#define HELPER_MS 60000
#define SAID_MAX (BOOTSTRAP_FILE_MAX + 65536)

static int refused(const char *file, const char *pointer, const char *why)
{
	return cli_fail("%s: refused at \"%s\": %s", file, pointer, why);
}

/* ---- What it would do ---- */

static bool is_well(const Ew__DpcEntry *entry)
{
	for (size_t i = 0; i < entry->config->n_ports; i++)
		if (entry->config->ports[i]->error[0])
			return false;
	return !entry->error[0];
}

/* Takes entry. signer, ignored: "" = there is nothing to tell. */
static int tell(Ew__DpcEntry *entry, const char *signer, const char *ignored)
{
	struct strbuf out = STRBUF_INIT;
	bool well = is_well(entry);

	strbuf_addf(&out, "%s (%s) of ", entry->key, cli_dpc_source(entry->source));
	if (rfc3339_format(entry->time_priority_ms / 1000, 0, &out) < 0)
		strbuf_add(&out, "unknown time");
	if (signer[0])
		strbuf_addf(&out, ", signed by %s", signer);
	strbuf_addc(&out, '\n');
	dpc_add_ports(entry, &out);
	if (entry->error[0])
		strbuf_addf(&out, "cannot be used: %s\n", entry->error);
	if (ignored[0])
		strbuf_addf(&out, "not acted on: %s\n", ignored);
	dpc_print(&out);
	ew__dpc_entry__free_unpacked(entry, NULL);
	return well ? 0 : 1;
}

/* ---- DevicePortConfig ---- */

static int check_json(const char *file, const char *text, size_t len)
{
	_cleanup_(freep) char *copy = xstrdup(file);
	const char *name = basename(copy);
	size_t stem = strlen(name);
	_cleanup_(freep) char *key = NULL;
	struct dpc_origin origin = { .source = EW__DPC_SOURCE__DPC_OVERRIDE,
				     .own_key = true,
				     .time_ms = DPC_TIME_DEFAULT_MS,
				     .file = name };
	struct pbjson_error err = { "", "" };
	struct arena arena = { 0 };
	Ew__DpcEntry *entry = NULL;
	int r;

	if (stem > 5 && strcmp(name + stem - 5, ".json") == 0)
		stem -= 5;
	key = xasprintf("%.*s", (int)stem, name);
	origin.key = key;
	r = dpc_read(text, len, &origin, &arena, &entry, &err);
	r = r < 0 ? refused(file, err.pointer, err.why) : tell(entry, "", "");
	arena_fini(&arena);
	return r;
}

/* ---- Bootstrap ---- */

struct said {
	struct event_base *base;
	Ew__BootstrapVerdict *verdict; /* NULL: none */
};

static void on_done(int status, bool late, const char *text, size_t len, void *arg)
{
	struct said *said = arg;

	if (status == 0 && !late)
		said->verdict = ew__bootstrap_verdict__unpack(NULL, len, (const uint8_t *)text);
	event_base_loopbreak(said->base);
}

static Ew__BootstrapVerdict *verify(const char *file, const char *roots)
{
	_cleanup_(freep) char *program = child_program("bootstrap-config");
	const char *const argv[] = { program, file, roots, NULL };
	struct said said = { .base = event_base_new() };
	const struct helper_conf conf = { .argv = argv,
					  .timeout_ms = HELPER_MS,
					  .said_max = SAID_MAX,
					  .done = on_done,
					  .arg = &said };
	struct helper *helper;

	if (said.base && helper_start(said.base, &conf, &helper) == 0)
		event_base_dispatch(said.base);
	if (said.base)
		event_base_free(said.base);
	return said.verdict;
}

static char *default_roots(const char *file)
{
	_cleanup_(freep) char *copy = xstrdup(file);
	char *beside = xasprintf("%s/" ROOTS, dirname(copy));

	if (access(beside, F_OK) == 0)
		return beside;
	free(beside);
	return xstrdup("/config/" ROOTS);
}

static int check_bootstrap(const char *file, const char *roots)
{
	_cleanup_(freep) char *found = roots ? xstrdup(roots) : default_roots(file);
	Ew__BootstrapVerdict *verdict = verify(file, found);
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	Ew__BootstrapStatus *status;
	int r;

	if (!verdict)
		return cli_fail("bootstrap-config, which verifies it, cannot be run or failed");
	status = za_bootstrap_judge(
		&(struct za_bootstrap_input){ .file = file, .verdict = verdict }, &config);
	if (config)
		r = tell(dpc_bootstrap_entry(config->ports), status->signer, config->ignored);
	else
		r = refused(file, status->error_pointer, status->error);
	ew__bootstrap_status__free_unpacked(status, NULL);
	ew__bootstrap_verdict__free_unpacked(verdict, NULL);
	return r;
}

/* ---- Which of them ---- */

static bool is_json(const char *file, const char *text)
{
	size_t len = strlen(file);

	return text[strspn(text, " \t\r\n")] == '{' ||
	       (len > 5 && strcmp(file + len - 5, ".json") == 0);
}

/* 0, or the exit status after a complaint. */
static int read_regular(const char *file, char **ret, size_t *ret_len)
{
	struct stat st;
	int r;

	if (stat(file, &st) < 0)
		return cli_fail("%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cli_fail("%s: not a regular file", file);
	r = file_read(file, BOOTSTRAP_FILE_MAX, ret, ret_len);
	if (r == -EFBIG)
		return refused(file, "", "larger than 1 MiB");
	return r < 0 ? cli_fail("%s: %s", file, strerror(-r)) : 0;
}

int dpc_check(const char *file, const char *roots)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r = read_regular(file, &text, &len);

	if (r || !text)
		return r;
	return is_json(file, text) ? check_json(file, text, len) : check_bootstrap(file, roots);
}
