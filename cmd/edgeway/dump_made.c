/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from /proc, /sys and our folders. What cannot be read is told in its place. */
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/rfc3339.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dump.h"

#define FILE_BYTES (1u << 20)

static void add_file(const char *path, struct strbuf *out)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r = file_read(path, FILE_BYTES, &text, &len);

	if (r < 0)
		strbuf_addf(out, "%s: %s\n", path, strerror(-r));
	else
		strbuf_addmem(out, text, len);
}

void dump_net_dev(struct strbuf *out)
{
	add_file("/proc/net/dev", out);
}

void dump_netstat(struct strbuf *out)
{
	static const char *const files[] = { "/proc/net/snmp", "/proc/net/snmp6",
					     "/proc/net/netstat", "/proc/net/softnet_stat",
					     "/proc/net/sockstat" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		strbuf_addf(out, "# %s\n", files[i]);
		add_file(files[i], out);
	}
}

/* ---- Interfaces ---- */

/* Many attributes of an interface have no value: of what is down, or no Ethernet card. */
static void add_attribute(const char *ifname, const char *name, struct strbuf *out)
{
	_cleanup_(freep) char *path = xasprintf("/sys/class/net/%s/%s", ifname, name), *text = NULL;
	size_t len = 0;

	if (file_read(path, 4096, &text, &len) == 0)
		strbuf_addf(out, "%s %s %.*s\n", ifname, name, (int)strcspn(text, "\n"), text);
}

static void add_counters(const char *ifname, struct strbuf *out)
{
	_cleanup_(freep) char *path = xasprintf("/sys/class/net/%s/statistics", ifname);
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_(freep) char *name = xasprintf("statistics/%s", names[i]->d_name);

		if (names[i]->d_name[0] != '.')
			add_attribute(ifname, name, out);
		free(names[i]);
	}
	free(names);
}

/* The counters that ethtool -S shows of every driver, and what ethtool itself begins with. */
void dump_interfaces(struct strbuf *out)
{
	static const char *const attributes[] = {
		"ifindex", "operstate", "carrier", "carrier_changes", "speed",
		"duplex",  "mtu",	"address", "flags",	      "tx_queue_len"
	};
	struct dirent **names = NULL;
	int n = scandir("/sys/class/net", &names, NULL, alphasort);

	if (n < 0)
		strbuf_addf(out, "/sys/class/net: %s\n", strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *ifname = names[i]->d_name;

		for (size_t j = 0; ifname[0] != '.' && j < ARRAY_SIZE(attributes); j++)
			add_attribute(ifname, attributes[j], out);
		if (ifname[0] != '.')
			add_counters(ifname, out);
		free(names[i]);
	}
	free(names);
}

/* ---- Files ---- */

static void add_entry(const FTSENT *e, struct strbuf *out)
{
	const struct stat *st = e->fts_statp;

	if (e->fts_info == FTS_DP)
		return; /* a folder, the second time */
	if (e->fts_info == FTS_DNR || e->fts_info == FTS_NS || e->fts_info == FTS_ERR) {
		strbuf_addf(out, "%s: %s\n", e->fts_path, strerror(e->fts_errno));
		return;
	}
	strbuf_addf(out, "%06o %5u %9lld ", st->st_mode, st->st_uid, (long long)st->st_size);
	rfc3339_format(st->st_mtime, 0, out);
	strbuf_addf(out, " %s\n", e->fts_path);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

void dump_files(struct strbuf *out)
{
	char *const folders[] = { (char *)cli_run_dir(), (char *)cli_state_dir(), NULL };
	FTS *fts = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, by_name);
	FTSENT *e;

	if (!fts) {
		strbuf_addf(out, "%s\n", strerror(errno));
		return;
	}
	while ((e = fts_read(fts)) && out->len < DUMP_PART_BYTES)
		add_entry(e, out);
	fts_close(fts);
}

/* ---- Processes ---- */

static bool is_ours(const char *comm)
{
	static const char *const others[] = { "edgeway", "dhcpcd", "dnsmasq", "dns-relay",
					      "wpa_supplicant" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(comm, others[i]) == 0)
			return true;
	return cli_daemon_known(comm);
}

static char *read_proc(const char *pid, const char *name, size_t *ret_len)
{
	_cleanup_(freep) char *path = xasprintf("/proc/%s/%s", pid, name);
	char *text = NULL;

	return file_read(path, FILE_BYTES, &text, ret_len) < 0 ? NULL : text;
}

/* The lines of /proc/PID/status that tell state and size. */
static void add_status(const char *pid, struct strbuf *out)
{
	static const char *const keys[] = {
		"Name:",  "State:", "PPid:",	"Uid:",	   "FDSize:",
		"VmHWM:", "VmRSS:", "Threads:", "CapEff:", "voluntary_ctxt_switches:"
	};
	_cleanup_(freep) char *text = read_proc(pid, "status", &(size_t){ 0 });
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				strbuf_addf(out, "  %s\n", line);
}

static void add_process(const char *pid, struct strbuf *out)
{
	size_t len = 0, comm_len = 0;
	_cleanup_(freep) char *comm = read_proc(pid, "comm", &comm_len);
	_cleanup_(freep) char *command = NULL, *smaps = NULL;
	const char *pss;

	if (!comm)
		return; /* it has ended */
	comm[strcspn(comm, "\n")] = '\0';
	if (!is_ours(comm))
		return;
	command = read_proc(pid, "cmdline", &len);
	for (size_t i = 0; command && i + 1 < len; i++)
		command[i] = command[i] ? command[i] : ' ';
	strbuf_addf(out, "%s %s\n", pid, command ? command : comm);
	add_status(pid, out);
	smaps = read_proc(pid, "smaps_rollup", &len);
	pss = smaps ? strstr(smaps, "\nPss:") : NULL;
	if (pss)
		strbuf_addf(out, "  %.*s\n", (int)strcspn(pss + 1, "\n"), pss + 1);
}

void dump_processes(struct strbuf *out)
{
	struct dirent **names = NULL;
	int n = scandir("/proc", &names, NULL, versionsort);

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] >= '0' && names[i]->d_name[0] <= '9')
			add_process(names[i]->d_name, out);
		free(names[i]);
	}
	free(names);
}
