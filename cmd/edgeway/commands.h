/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `edgeway` command: a table of sub-commands, from which help and completion are made.
 * A sub-command is one file, its function below and its line in commands.c.
 */
#pragma once

#include <stdbool.h>

struct command {
	const char *name;
	const char *args; /* as in the usage: "DAEMON [--dot | --json]"; "" when none */
	const char *help; /* one line */
	const char
		*words; /* what completion offers behind the name, blank-separated; may be NULL */
	int (*run)(int argc, char *argv[]); /* argv[0] is the name; returns the exit status */
};
extern const struct command commands[]; /* ends with name NULL */

int cmd_status(int argc, char *argv[]);
int cmd_plan(int argc, char *argv[]);
int cmd_graph(int argc, char *argv[]);
int cmd_diag(int argc, char *argv[]);
int cmd_ports(int argc, char *argv[]);
int cmd_metering(int argc, char *argv[]);
int cmd_firewall(int argc, char *argv[]);
int cmd_diag(int argc, char *argv[]);
int cmd_dpc(int argc, char *argv[]);
int cmd_radio(int argc, char *argv[]);
int cmd_doctor(int argc, char *argv[]);
int cmd_events(int argc, char *argv[]);
int cmd_netdump(int argc, char *argv[]);
int cmd_bus(int argc, char *argv[]);
int cmd_run(int argc, char *argv[]);
int cmd_version(int argc, char *argv[]);
int cmd_completion(int argc, char *argv[]);

/* The common options --run-dir and --state-dir are taken out of argv wherever they stand, before
 * the sub-command sees it. */
const char *cli_run_dir(void);
const char *cli_state_dir(void);
bool cli_color(void); /* stdout is a terminal and NO_COLOR is not set */

extern const char
	*const cli_daemons[]; /* of the suite, in the order of starting; NULL-terminated */
bool cli_daemon_known(const char *name);
bool cli_daemon_running(const char *name); /* holds its instance lock */
char *cli_path(const char *daemon, const char *suffix); /* RUN_DIR/nim.control; caller frees */

/* "edgeway: TEXT" on stderr; returns the exit status of a failed command. */
int cli_fail(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
int cli_usage(const char *command); /* the usage of one command on stderr; exit status 2 */
