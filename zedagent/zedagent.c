/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/zedagent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/keep.h"
#include "base/log.h"
#include "base/wall.h"
#include "pubsub/ps.h"
#include "zedagent/bootstrap.h"
#include "zedagent/publish.h"

struct zedagent {
	struct daemon *daemon;
	char *path; /* of the configuration file */
	char *last_path; /* copy of the last good one, for a start without a good one */
	struct za_publish *publish;
	struct file_watch *watch;
	struct keep *keep;
	struct za_bootstrap *bootstrap;
	bool synced; /* all that is to be found at start has been published */
	const char *source; /* path or last_path: where the one in force is from; "" = none */
	int64_t applied_ms;
	struct pbjson_error error; /* of a newer file that was refused; why "" = none */
	int64_t error_ms;
};

/* Messages want char *, and do not write to it. */
static char *borrow(const char *s)
{
	union {
		const char *in;
		char *out;
	} u = { .in = s };

	return u.out;
}

static void publish_status(const struct zedagent *za)
{
	const struct za_config *config = za_publish_in_force(za->publish);
	Ew__ConfigStatus status = EW__CONFIG_STATUS__INIT;

	status.source = borrow(za->source);
	status.uuid = borrow(config ? config->uuid : "");
	status.version = borrow(config ? config->version : "");
	status.applied_ms = za->applied_ms;
	status.error = borrow(za->error.why);
	status.error_pointer = borrow(za->error.pointer);
	status.error_ms = za->error_ms;
	za_publish_status(za->publish, &status);
}

static void refuse(struct zedagent *za, const struct pbjson_error *err)
{
	log_error("config_refused", "file=\"%s\" pointer=\"%s\" why=\"%s\"", za->path, err->pointer,
		  err->why);
	za->error = *err;
	za->error_ms = wall_ms();
}

/* Takes config. */
static void put_in_force(struct zedagent *za, struct za_config *config, const char *source)
{
	za_publish_config(za->publish, config);
	if (za->bootstrap)
		za_bootstrap_has_config(za->bootstrap, true);
	za->source = source;
	za->applied_ms = wall_ms();
	log_info("config_applied", "file=\"%s\" version=\"%s\" ports=%zu instances=%zu apps=%zu",
		 source, config->version, config->ports->n_ports, config->n_instances,
		 config->n_apps);
	if (config->ignored[0])
		log_warning("config_ignored", "file=\"%s\" parts=\"%s\"", source, config->ignored);
}

struct file { /* one that was read */
	char *data;
	size_t len;
	struct za_config *config;
	struct pbjson_error err;
};

static void file_fini(struct file *f)
{
	free(f->data);
	za_config_free(f->config);
}

/* -ENOENT: there is none. Other errors are told in f->err. */
static int file_load(const char *path, struct file *f)
{
	struct stat st;
	int r = 0;

	/* A FIFO or a device would hold us up. */
	if (stat(path, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (r == 0)
		r = file_read(path, ZA_CONFIG_MAX, &f->data, &f->len);
	if (r == 0)
		return za_config_parse(f->data, f->len, &f->config, &f->err);
	snprintf(f->err.why, sizeof(f->err.why), "cannot be read: %s",
		 r == -EINVAL ? "not a regular file" : strerror(-r));
	return r;
}

/* A configuration from before the one in force came late. */
static int check_order(const struct za_config *in_force, struct file *f)
{
	if (!in_force || !f->config->timestamp_ms ||
	    f->config->timestamp_ms >= in_force->timestamp_ms)
		return 0;
	snprintf(f->err.pointer, sizeof(f->err.pointer), "/configTimestamp");
	snprintf(f->err.why, sizeof(f->err.why), "older than that of the configuration in force");
	return -EINVAL;
}

/* Puts a good file in force. in_force: what it must not be older than. */
static int apply_file(struct zedagent *za, const struct za_config *in_force)
{
	_cleanup_(file_fini) struct file f = { 0 };
	int r;

	r = file_load(za->path, &f);
	if (r == 0)
		r = check_order(in_force, &f);
	if (r == -ENOENT) {
		log_info("config_absent", "file=\"%s\"", za->path);
		return r;
	}
	if (r < 0) {
		refuse(za, &f.err);
		return r;
	}
	za->error = (struct pbjson_error){ "", "" };
	za->error_ms = 0;
	put_in_force(za, take_ptr(f.config), za->path);
	keep_store(za->keep, take_ptr(f.data), f.len);
	return 0;
}

static void on_changed(void *arg)
{
	struct zedagent *za = arg;

	(void)apply_file(za, za_publish_in_force(za->publish));
	publish_status(za);
}

/* The file when it is good, else the last good one, so that nothing flaps in between. */
static void first_load(struct zedagent *za)
{
	_cleanup_(file_fini) struct file last = { 0 };
	int r;

	r = file_load(za->last_path, &last);
	if (r < 0 && r != -ENOENT)
		log_warning("config_last_bad", "file=\"%s\" pointer=\"%s\" why=\"%s\"",
			    za->last_path, last.err.pointer, last.err.why);
	if (apply_file(za, last.config) < 0 && last.config)
		put_in_force(za, take_ptr(last.config), za->last_path);
	publish_status(za);
}

/* ---- Before the first configuration ---- */

static void on_bootstrap(void *arg)
{
	struct zedagent *za = arg;
	bool first = !za->synced;

	/* The ports first: the status says that they are to be expected. */
	za_publish_bootstrap(za->publish, za_bootstrap_config(za->bootstrap));
	za_publish_bootstrap_status(za->publish, za_bootstrap_status(za->bootstrap));
	za->synced = true;
	if (first)
		za_publish_synced(za->publish);
}

static int start_bootstrap(struct zedagent *za, const char *config_dir)
{
	const struct za_bootstrap_conf conf = {
		.base = daemon_base(za->daemon),
		.config_dir = config_dir ? config_dir : ZEDAGENT_CONFIG_DIR,
		.state_dir = daemon_state_dir(za->daemon),
		.has_config = za_publish_in_force(za->publish) != NULL,
		.changed = on_bootstrap,
		.arg = za,
	};

	return za_bootstrap_new(&conf, &za->bootstrap);
}

/* ---- Life ---- */

static int control_config(const char *args, FILE *out, void *arg)
{
	const struct zedagent *za = arg;

	(void)args;
	za_publish_print(za->publish, out);
	return 0;
}

static void on_not_kept(int err, void *arg)
{
	const struct zedagent *za = arg;

	log_error("config_not_kept", "file=\"%s\" err=%d", za->last_path, -err);
}

static int start(struct zedagent *za)
{
	const struct ps_conf conf = {
		.agent = "zedagent",
		.run_dir = daemon_run_dir(za->daemon),
		.state_dir = daemon_state_dir(za->daemon),
	};
	int r;

	za->keep = keep_new(daemon_base(za->daemon), za->last_path, on_not_kept, za);
	if (!za->keep)
		return -ENOMEM;
	r = za_publish_new(daemon_base(za->daemon), &conf, &za->publish);
	if (r < 0)
		return r;
	return file_watch_new(daemon_base(za->daemon), za->path, on_changed, za, &za->watch);
}

int zedagent_new(struct daemon *d, const struct zedagent_options *options, struct zedagent **ret)
{
	struct zedagent *za = xcalloc(1, sizeof(*za));
	const char *path = options->config;
	int r;

	za->daemon = d;
	za->source = "";
	za->path =
		path && path[0] ? xstrdup(path) : xasprintf("%s/config.json", daemon_state_dir(d));
	za->last_path = xasprintf("%s/zedagent/lastconfig", daemon_state_dir(d));
	r = start(za);
	if (r == 0) {
		first_load(za);
		r = start_bootstrap(za, options->config_dir);
	}
	/* Without a configuration the bootstrap file has its say first, or nim would take its items
	 * for gone until it is verified. */
	za->synced = r == 0 && za->source[0];
	if (za->synced)
		za_publish_synced(za->publish);
	if (r < 0) {
		log_error("start_failed", "file=\"%s\" err=%d", za->path, -r);
		zedagent_free(za);
		return r;
	}
	control_add(daemon_control(d), "config", "the configuration in force, as published",
		    control_config, za);
	daemon_ready(d, za->source[0] ? "configuration in force" : "no configuration yet");
	*ret = za;
	return 0;
}

struct zedagent *zedagent_free(struct zedagent *za)
{
	if (!za)
		return NULL;
	file_watch_free(za->watch);
	za_bootstrap_free(za->bootstrap);
	za_publish_free(za->publish);
	keep_free(za->keep);
	free(za->path);
	free(za->last_path);
	free(za);
	return NULL;
}
