/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to ask, by us (our own commands, each in a process of its own) and by other programs. */
#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dump.h"

#define SELF "/proc/self/exe"

struct dump_part *dump_add(struct dump *dump, char *name)
{
	struct dump_part *p;

	dump->parts = xrealloc(dump->parts, dump->n + 1, sizeof(*dump->parts));
	p = &dump->parts[dump->n++];
	*p = (struct dump_part){ .name = name, .why = xstrdup("no time was left") };
	return p;
}

/* edgeway --run-dir … --state-dir … COMMAND A B */
static struct dump_part *add_ours(struct dump *dump, char *name, const char *command, const char *a,
				  const char *b)
{
	const char *const argv[] = {
		SELF, "--run-dir", cli_run_dir(), "--state-dir", cli_state_dir(), command, a, b,
	};
	struct dump_part *p = dump_add(dump, name);

	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		p->argv[i] = argv[i]; /* the last ones may be NULL: the end */
	return p;
}

static void add_daemons(struct dump *dump)
{
	static const char *const with_graph[] = { "nim", "zedrouter", "domainmgr" };

	for (size_t i = 0; i < ARRAY_SIZE(with_graph); i++) {
		const char *d = with_graph[i];

		add_ours(dump, xasprintf("plan-%s.txt", d), "plan", d, NULL);
		add_ours(dump, xasprintf("graph-%s.txt", d), "graph", d, NULL);
		add_ours(dump, xasprintf("graph-%s.dot", d), "graph", d, "--dot");
	}
}

/* Those that do not run on every node are asked for what they know when they do. */
static bool is_asked(const struct ps_topic *topic)
{
	return topic->kind != PS_STREAM &&
	       (cli_daemon_known(topic->agent) || cli_daemon_running(topic->agent));
}

static void add_events(struct dump *dump)
{
	for (const char *const *d = cli_daemons; *d; d++)
		add_ours(dump, xasprintf("events-%s.txt", *d), "events", *d, NULL);
}

static void add_topics(struct dump *dump)
{
	for (const struct ps_topic *const *t = ps_topics; *t; t++)
		if (is_asked(*t))
			add_ours(dump, xasprintf("bus-%s.json", (*t)->name), "bus", "get",
				 (*t)->name);
}

static void add_programs(struct dump *dump)
{
	static const struct {
		const char *name, *argv[DUMP_ARGS];
	} programs[] = {
		{ "ip-link.json", { "ip", "-s", "-d", "-j", "link" } },
		{ "ip-address.json", { "ip", "-d", "-j", "address" } },
		{ "ip-rule.json", { "ip", "-d", "-j", "rule" } },
		{ "ip-rule6.json", { "ip", "-6", "-d", "-j", "rule" } },
		{ "ip-route.json", { "ip", "-d", "-j", "route", "show", "table", "all" } },
		{ "ip-route6.json", { "ip", "-6", "-d", "-j", "route", "show", "table", "all" } },
		{ "ip-nexthop.json", { "ip", "-d", "-j", "nexthop" } },
		{ "ip-neigh.json", { "ip", "-d", "-j", "neigh" } },
		{ "ip-netns.json", { "ip", "-j", "netns" } },
		{ "bridge-link.json", { "bridge", "-d", "-j", "link" } },
		{ "nft-ruleset.json", { "nft", "-j", "list", "ruleset" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		memcpy(dump_add(dump, xstrdup(programs[i].name))->argv, programs[i].argv,
		       sizeof(programs[i].argv));
}

static void add_made(struct dump *dump)
{
	static const struct {
		const char *name;
		void (*make)(struct strbuf *out);
	} made[] = {
		{ "processes.txt", dump_processes },   { "files.txt", dump_files },
		{ "interfaces.txt", dump_interfaces }, { "proc-net-dev.txt", dump_net_dev },
		{ "proc-netstat.txt", dump_netstat },
	};

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		dump_add(dump, xstrdup(made[i].name))->make = made[i].make;
}

void dump_parts(struct dump *dump)
{
	*dump = (struct dump){ 0 };
	add_ours(dump, xstrdup("version.txt"), "version", NULL, NULL);
	add_ours(dump, xstrdup("status.json"), "status", "--json", NULL);
	add_ours(dump, xstrdup("status.txt"), "status", NULL, NULL)->any_status = true;
	add_ours(dump, xstrdup("ports.json"), "ports", "--json", NULL);
	add_ours(dump, xstrdup("tests.txt"), "ports", "--trace", NULL);
	add_ours(dump, xstrdup("firewall.json"), "firewall", "--json", NULL);
	add_ours(dump, xstrdup("diag.txt"), "diag", NULL, NULL)->any_status = true;
	add_ours(dump, xstrdup("doctor.txt"), "doctor", NULL, NULL)->any_status = true;
	add_events(dump);
	add_daemons(dump);
	add_topics(dump);
	add_programs(dump);
	add_made(dump);
}

void dump_fini(struct dump *dump)
{
	for (size_t i = 0; i < dump->n; i++) {
		free(dump->parts[i].name);
		free(dump->parts[i].why);
		strbuf_fini(&dump->parts[i].text);
	}
	free(dump->parts);
}
