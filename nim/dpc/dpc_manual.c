/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_manual.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/dpc_read.h"

#define MANUAL_KEY "manual" /* as in EVE */

static void tell_in_force(const struct nim_dpc *dpc, FILE *out)
{
	const Ew__DpcEntry *in_force = nim_dpc_in_force(dpc), *tested = nim_dpc_list(dpc)->tested;

	if (in_force && tested && tested != in_force)
		fprintf(out, "in force: %s; tried beside it: %s\n", in_force->key, tested->key);
	else if (in_force)
		fprintf(out, "in force: %s\n", in_force->key);
	else
		fprintf(out, "there is no port configuration any more\n");
}

/* Takes entry. One that nobody can rely on would cut the node off: nothing is taken instead of it. */
static int put(struct nim_dpc *dpc, Ew__DpcEntry *entry, FILE *out)
{
	size_t ports = entry->config->n_ports;
	int r;

	if (entry->error[0]) {
		fprintf(out, "refused: %s\n", entry->error);
		ew__dpc_entry__free_unpacked(entry, NULL);
		return -EINVAL;
	}
	r = nim_dpc_put(dpc, entry);
	if (r < 0)
		return r;
	log_info("dpc_set", "key=" MANUAL_KEY " ports=%zu", ports);
	tell_in_force(dpc, out);
	return 0;
}

static int set_text(struct nim_dpc *dpc, const char *text, size_t len, FILE *out)
{
	const struct dpc_origin origin = { .source = EW__DPC_SOURCE__DPC_MANUAL,
					   .key = MANUAL_KEY,
					   .file = "" };
	struct pbjson_error err = { "", "" };
	Ew__DpcEntry *entry = NULL;
	struct arena arena = { 0 };
	int r;

	r = dpc_read(text, len, &origin, &arena, &entry, &err);
	if (r == 0) {
		entry->time_priority_ms = wall_ms(); /* when it was set: it always comes last */
		r = put(dpc, entry, out);
	} else {
		fprintf(out, "refused at \"%s\": %s\n", err.pointer, err.why);
	}
	arena_fini(&arena);
	return r;
}

static int control_set(const char *args, FILE *out, void *arg)
{
	_cleanup_(freep) uint8_t *text = NULL;
	size_t len = 0;
	int r;

	r = base64_decode(args, &text, &len);
	return r < 0 ? r : set_text(arg, text ? (const char *)text : "", len, out);
}

static int control_unset(const char *args, FILE *out, void *arg)
{
	int r;

	if (*args)
		return -EINVAL;
	r = nim_dpc_drop(arg, MANUAL_KEY);
	if (r < 0) {
		fprintf(out, "there is no manual port configuration\n");
		return r;
	}
	log_info("dpc_unset", "key=" MANUAL_KEY);
	tell_in_force(arg, out);
	return 0;
}

void nim_dpc_manual(struct nim_dpc *dpc, struct control *control)
{
	control_add(control, "dpc set",
		    "BASE64: the local operator's port configuration, in the place of the last",
		    control_set, dpc);
	control_add(control, "dpc unset", "takes it back", control_unset, dpc);
}
