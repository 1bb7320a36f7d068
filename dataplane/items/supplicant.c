/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wpa_supplicant as the 802.1X client of one wired interface. What it does stands in its
 * configuration file, a dp_file of the daemon. It sends no EAPOL-Logoff when it ends: the port
 * stays authorized at the switch until that asks again.
 *
 * It needs the interface up: one that is down it would set up itself, and down again at its end
 * (src/drivers/driver_wired.c). It opens its sockets on an index, and stays there when the card is
 * pulled out: one of the same name that comes then needs another wpa_supplicant.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "dataplane/items/proc.h"
#include "dataplane/items/rundir.h"

static void supplicant_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_supplicant *)spec)->ifname.str);
}

static enum dp_change supplicant_diff(const void *have, const void *want)
{
	const struct dp_supplicant *h = have, *w = want;

	return strcmp(h->conf_file, w->conf_file) == 0 && strcmp(h->stamp, w->stamp) == 0 &&
			       (!w->ifindex || h->ifindex == w->ifindex)
		       ? DP_SAME
		       : DP_RECREATE;
}

static void supplicant_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_supplicant *supplicant = want;

	dp_need(deps, &dp_link_type, supplicant->ifname.str, 0, dp_link_is_up);
	dp_need(deps, &dp_file_type, supplicant->conf_file, 0, NULL);
}

static void supplicant_print(const void *spec, struct strbuf *out)
{
	const struct dp_supplicant *supplicant = spec;

	strbuf_addf(out, "conf=%s stamp=%s ifindex=%" PRIu32, supplicant->conf_file,
		    supplicant->stamp, supplicant->ifindex);
}

/* ---- As a process ---- */

static int supplicant_command(const struct dp *dp, const void *spec, struct proc_command *ret)
{
	const struct dp_supplicant *supplicant = spec;
	char conf[256];

	if (strchr(supplicant->conf_file, '\n'))
		return -EINVAL;
	dp_file_path(dp_conf(dp)->run_dir, dp_conf(dp)->owner, supplicant->conf_file, conf);
	proc_arg(ret, "wpa_supplicant");
	proc_arg(ret, "-Dwired");
	proc_arg(ret, "-i%s", supplicant->ifname.str);
	proc_arg(ret, "-c%s", conf);
	return 0;
}

static void supplicant_save(const void *spec, struct strbuf *out)
{
	const struct dp_supplicant *supplicant = spec;

	strbuf_addf(out, "ifname=%s\nconf_file=%s\nstamp=%s\nifindex=%" PRIu32 "\n",
		    supplicant->ifname.str, supplicant->conf_file, supplicant->stamp,
		    supplicant->ifindex);
}

static int supplicant_load(const char *key, const char *value, void *spec)
{
	struct dp_supplicant *supplicant = spec;

	if (strcmp(key, "ifname") == 0)
		return ifname_parse(value, &supplicant->ifname);
	if (strcmp(key, "conf_file") == 0)
		return proc_load_text(value, supplicant->conf_file, sizeof(supplicant->conf_file));
	if (strcmp(key, "stamp") == 0)
		return proc_load_text(value, supplicant->stamp, sizeof(supplicant->stamp));
	if (strcmp(key, "ifindex") != 0)
		return -EINVAL;
	supplicant->ifindex = (uint32_t)strtoul(value, NULL, 10);
	return 0;
}

/* It removes its socket and the folder itself; this is for when it was killed. */
static void supplicant_ended(struct dp *dp, const void *spec)
{
	const struct dp_supplicant *supplicant = spec;
	_cleanup_(freep) char *path = rundir_path(dp, DP_SUPPLICANT_DIR, supplicant->ifname.str);

	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path); /* others may be in it */
}

static const struct proc_kind kind = {
	.type = &dp_supplicant_type,
	.command = supplicant_command,
	.save = supplicant_save,
	.load = supplicant_load,
	.ended = supplicant_ended,
};

static int supplicant_create(struct dp_op *op, const void *want)
{
	return proc_create(op, &kind, want);
}

static int supplicant_remove(struct dp_op *op, const void *have)
{
	return proc_remove(op, &kind, have);
}

static int supplicant_observe(struct dp *dp)
{
	return proc_observe(dp, &kind);
}

const struct dp_type dp_supplicant_type = {
	.name = "supplicant",
	.size = sizeof(struct dp_supplicant),
	.key = supplicant_key,
	.diff = supplicant_diff,
	.needs = supplicant_needs,
	.print = supplicant_print,
	.create = supplicant_create,
	.remove = supplicant_remove,
	.cancel = proc_cancel,
	.observe = supplicant_observe,
	.timeout_ms = 20000,
	.aside = true,
};
