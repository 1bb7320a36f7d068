/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway netdump: all that helps to find out from afar what is wrong, in one archive. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/edgeway/capture.h"
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

/* What follows the options is the file, if anything does. */
static int take_options(int argc, char *argv[], struct capture_conf *capture)
{
	static const struct option options[] = {
		{ "capture", required_argument, NULL, 'c' },
		{ "for", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
		{ "snap", required_argument, NULL, 's' },
		{ "filter", required_argument, NULL, 'f' },
		{ 0 },
	};
	bool fine = true, only_with_capture = false;
	int option;

	optind = 0;
	while (fine && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		only_with_capture = only_with_capture || option != 'c';
		if (option == 'c')
			capture->ports = optarg;
		else if (option == 't')
			fine = capture_seconds_parse(optarg, &capture->seconds);
		else if (option == 'l')
			fine = capture_bytes_parse(optarg, CAPTURE_BYTES_MIN, CAPTURE_BYTES_MAX,
						   &capture->limit_bytes);
		else if (option == 's')
			fine = capture_bytes_parse(optarg, CAPTURE_SNAP_MIN, CAPTURE_SNAP_MAX,
						   &capture->snap_bytes);
		else if (option == 'f')
			capture->filter = optarg;
		else
			fine = false;
	}
	fine = fine && (capture->ports || !only_with_capture);
	return fine && argc - optind <= 1 && (optind == argc || argv[optind][0]) ? 0 : -EINVAL;
}

int cmd_netdump(int argc, char *argv[])
{
	struct capture_conf capture = CAPTURE_DEFAULT;
	_cleanup_(freep) char *file = NULL;
	struct dump dump;
	char stem[64];
	int r;

	if (take_options(argc, argv, &capture) < 0)
		return cli_usage("netdump");
	stem_of_now(stem);
	file = optind < argc ? xstrdup(argv[optind]) : xasprintf("%s.tar.gz", stem);
	dump_parts(&dump);
	r = capture.ports ? capture_run(&capture, &dump) : 0;
	if (r == 0)
		r = make(&dump, file, stem);
	dump_fini(&dump);
	return r;
}
