/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway netdump [FILE]: all that helps to find out from afar what is wrong, in one archive. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dump.h"

static void stem_of_now(char ret[64])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(ret, 64, "edgeway-netdump-%Y%m%dT%H%M%SZ", &tm);
}

static char *title(const char *stem)
{
	char host[256] = "?";

	gethostname(host, sizeof(host) - 1);
	return xasprintf("%s of %s, by version %s, uid %u", stem, host, EDGEWAY_VERSION,
			 (unsigned int)geteuid());
}

/* What is not whole, for who sits in front of it. */
static void tell(const struct dump *dump)
{
	for (size_t i = 0; i < dump->n; i++)
		if (dump->parts[i].end != DUMP_WHOLE)
			fprintf(stderr, "edgeway: %s: %s\n", dump->parts[i].name,
				dump->parts[i].why);
}

static int make(struct dump *dump, const char *file, const char *stem)
{
	_cleanup_(strbuf_fini) struct strbuf manifest = STRBUF_INIT;
	_cleanup_(freep) char *head = title(stem), *why = NULL;
	int r;

	r = dump_run(dump);
	if (r == -EINTR)
		return cli_fail("interrupted: nothing is kept");
	if (r < 0)
		return cli_fail("%s", strerror(-r));
	dump_manifest(dump, head, &manifest);
	r = dump_pack(dump, file, stem, &manifest, &why);
	if (r < 0)
		return cli_fail("%s: %s", file, why);
	tell(dump);
	puts(file);
	return 0;
}

int cmd_netdump(int argc, char *argv[])
{
	_cleanup_(freep) char *file = NULL;
	struct dump dump;
	char stem[64];
	int r;

	if (argc > 2 || (argc == 2 && (argv[1][0] == '-' || !argv[1][0])))
		return cli_usage("netdump");
	stem_of_now(stem);
	file = argc == 2 ? xstrdup(argv[1]) : xasprintf("%s.tar.gz", stem);
	dump_parts(&dump);
	r = make(&dump, file, stem);
	dump_fini(&dump);
	return r;
}
