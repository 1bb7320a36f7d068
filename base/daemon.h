/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every daemon's main() begins and ends with: options, log, signals, event loop, single
 * instance, capabilities, systemd readiness and watchdog.
 *
 * Helper programs get no more than conf.caps either. One that changes its user (dnsmasq) asks for
 * CAP_SETUID and CAP_SETGID there, and needs CAP_KILL with us to be stopped again.
 *
 * Options: --run-dir DIR (default $EDGEWAY_RUN or /run/edgeway), --state-dir DIR (default
 * $EDGEWAY_STATE or /var/lib/edgeway), --log-level LEVEL, --log-json, --version, --help, and the
 * daemon's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct daemon;
struct control;

struct daemon_option { /* one of the daemon's own long options */
	const char *name; /* "config" */
	const char *arg; /* "FILE"; NULL: a flag */
	const char *help;
	const char **value; /* set to the argument ("" for a flag); borrowed from argv */
};

struct daemon_conf {
	const char *name; /* "nim" */
	const char *summary; /* for --help */
	const struct daemon_option *options; /* ends with name NULL; may be NULL */
	const int *caps; /* capabilities kept (CAP_NET_ADMIN…), ends with -1; NULL: none kept */
};

/*
 * Parses options, opens the log, takes the instance lock <run-dir>/<name>.lock (-EBUSY when
 * another instance holds it), creates the folders, drops capabilities, makes the loop. Positive
 * return: --help or --version was answered, exit 0.
 */
int daemon_new(const struct daemon_conf *conf, int argc, char *argv[], struct daemon **ret);
struct daemon *daemon_free(struct daemon *d); /* after all that used its loop */
static inline void daemon_freep(struct daemon **d)
{
	daemon_free(*d);
}

struct event_base *daemon_base(const struct daemon *d);
const char *daemon_name(const struct daemon *d);
const char *daemon_run_dir(const struct daemon *d); /* shared by all daemons of the node */
const char *daemon_state_dir(const struct daemon *d); /* survives reboots */
struct control *daemon_control(const struct daemon *d); /* <run-dir>/<name>.control */

/* Tells systemd READY=1 and answers its watchdog from the loop; text shows in systemctl status. */
void daemon_ready(struct daemon *d, const char *status);

/* The loop, until SIGTERM or SIGINT. SIGUSR1 toggles debug log. Returns 0 or -errno. */
int daemon_run(struct daemon *d);
