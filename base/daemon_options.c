/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon_options.h"

#include <errno.h>
#include <getopt.h>

#include "base/cleanup.h"
#include "base/daemon.h"

enum { /* getopt_long()'s values; a daemon's own options count from OWN */
       OPT_RUN_DIR = 256,
       OPT_STATE_DIR,
       OPT_LOG_LEVEL,
       OPT_LOG_JSON,
       OPT_VERSION,
       OPT_HELP,
       OPT_OWN,
};

static const struct {
	const char *name, *arg, *help;
} common[] = {
	{ "run-dir", "DIR", "sockets, locks, pid files (default $EDGEWAY_RUN, /run/edgeway)" },
	{ "state-dir", "DIR", "what survives (default $EDGEWAY_STATE, /var/lib/edgeway)" },
	{ "log-level", "LEVEL", "error, warning, info (default) or debug" },
	{ "log-json", NULL, "log JSON lines" },
	{ "version", NULL, "print the version" },
	{ "help", NULL, "print this" },
};

static size_t own_count(const struct daemon_conf *conf)
{
	size_t n = 0;

	while (conf->options && conf->options[n].name)
		n++;
	return n;
}

static struct option *long_options(const struct daemon_conf *conf)
{
	size_t n = own_count(conf);
	struct option *options = xcalloc(ARRAY_SIZE(common) + n + 1, sizeof(*options));

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		options[i] = (struct option){ common[i].name,
					      common[i].arg ? required_argument : no_argument, NULL,
					      OPT_RUN_DIR + (int)i };
	for (size_t i = 0; i < n; i++)
		options[ARRAY_SIZE(common) + i] =
			(struct option){ conf->options[i].name,
					 conf->options[i].arg ? required_argument : no_argument,
					 NULL, OPT_OWN + (int)i };
	return options;
}

static void print_option(const char *name, const char *arg, const char *help)
{
	_cleanup_(freep) char *option = xasprintf("--%s %s", name, arg ? arg : "");

	printf("  %-20s %s\n", option, help);
}

static void print_help(const struct daemon_conf *conf)
{
	printf("%s: %s\n\n", conf->name, conf->summary);
	for (size_t i = 0; i < own_count(conf); i++)
		print_option(conf->options[i].name, conf->options[i].arg, conf->options[i].help);
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		print_option(common[i].name, common[i].arg, common[i].help);
}

static int parse_level(const char *s, enum log_level *ret)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(s, names[i]) != 0)
			continue;
		*ret = (enum log_level)i;
		return 0;
	}
	fprintf(stderr, "--log-level %s: not one of error, warning, info, debug\n", s);
	return -EINVAL;
}

static int take_option(const struct daemon_conf *conf, int option, struct daemon_options *o)
{
	if (option >= OPT_OWN) {
		*conf->options[option - OPT_OWN].value = optarg ? optarg : "";
		return 0;
	}
	switch (option) {
	case OPT_RUN_DIR:
		o->run_dir = optarg;
		return 0;
	case OPT_STATE_DIR:
		o->state_dir = optarg;
		return 0;
	case OPT_LOG_LEVEL:
		return parse_level(optarg, &o->log_level);
	case OPT_LOG_JSON:
		o->log_json = true;
		return 0;
	case OPT_VERSION:
		printf("%s %s\n", conf->name, EDGEWAY_VERSION);
		return 1;
	case OPT_HELP:
		print_help(conf);
		return 1;
	}
	return -EINVAL; /* getopt_long() has said why */
}

static const char *environment_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

int daemon_options_parse(const struct daemon_conf *conf, int argc, char *argv[],
			 struct daemon_options *ret)
{
	struct daemon_options o = {
		.run_dir = environment_or("EDGEWAY_RUN", "/run/edgeway"),
		.state_dir = environment_or("EDGEWAY_STATE", "/var/lib/edgeway"),
		.log_level = LOG_LEVEL_INFO,
	};
	_cleanup_(freep) struct option *options = long_options(conf);
	int option, r;

	optind = 0; /* begin anew: tests parse several times */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		r = take_option(conf, option, &o);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument: %s\n", conf->name, argv[optind]);
		return -EINVAL;
	}
	*ret = o;
	return 0;
}
