/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/zedagent.h"

#include <errno.h>
#include <event2/event.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <time.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "zedagent/load.h"

struct zedagent {
	struct daemon *daemon;
	char *path, *name; /* of the configuration file */
	char *last_path; /* copy of the last good one, for a start without a good one */
	struct ps *ps;
	struct ps_pub *ports_pub, *ni_pub, *app_pub, *global_pub, *status_pub;
	int inotify;
	struct event *watch_ev;
	struct za_config *config; /* in force; NULL: none yet */
	Ew__ConfigStatus status; /* texts are ours */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- Status ---- */

static void set_text(char **field, const char *text)
{
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = text[0] ? xstrdup(text) : (char *)protobuf_c_empty_string;
}

static void publish_status(struct zedagent *za)
{
	int r = ps_publish_config_status(za->status_pub, "global", &za->status);

	if (r < 0)
		log_error("publish_failed", "topic=ConfigStatus err=%d", -r);
}

static void refuse(struct zedagent *za, const char *path, const struct pbjson_error *err)
{
	log_error("config_refused", "file=\"%s\" pointer=\"%s\" why=\"%s\"", path, err->pointer,
		  err->why);
	set_text(&za->status.error, err->why);
	set_text(&za->status.error_pointer, err->pointer);
	za->status.error_ms = now_ms();
	publish_status(za);
}

/* ---- Publishing: unchanged values are not sent again ---- */

static bool has_instance(const struct za_config *config, const char *uuid)
{
	for (size_t i = 0; config && i < config->n_instances; i++)
		if (strcmp(config->instances[i]->uuid, uuid) == 0)
			return true;
	return false;
}

static bool has_app(const struct za_config *config, const char *uuid)
{
	for (size_t i = 0; config && i < config->n_apps; i++)
		if (strcmp(config->apps[i]->uuid, uuid) == 0)
			return true;
	return false;
}

static void check_published(const char *topic, const char *key, int r)
{
	if (r < 0)
		log_error("publish_failed", "topic=%s key=%s err=%d", topic, key, -r);
}

static void publish_config(struct zedagent *za, const struct za_config *was,
			   const struct za_config *now)
{
	check_published("GlobalConfig", "global",
			ps_publish_global_config(za->global_pub, "global", now->global));
	check_published("DevicePortConfig", "zedagent",
			ps_publish_device_port_config(za->ports_pub, "zedagent", now->ports));
	/* Who goes first makes room: addresses, bridge numbers. */
	for (size_t i = 0; was && i < was->n_apps; i++)
		if (!has_app(now, was->apps[i]->uuid))
			ps_unpublish(za->app_pub, was->apps[i]->uuid);
	for (size_t i = 0; was && i < was->n_instances; i++)
		if (!has_instance(now, was->instances[i]->uuid))
			ps_unpublish(za->ni_pub, was->instances[i]->uuid);
	for (size_t i = 0; i < now->n_instances; i++)
		check_published("NetworkInstanceConfig", now->instances[i]->uuid,
				ps_publish_network_instance_config(
					za->ni_pub, now->instances[i]->uuid, now->instances[i]));
	for (size_t i = 0; i < now->n_apps; i++)
		check_published(
			"AppConfig", now->apps[i]->uuid,
			ps_publish_app_config(za->app_pub, now->apps[i]->uuid, now->apps[i]));
}

static void put_in_force(struct zedagent *za, struct za_config *config, const char *source)
{
	publish_config(za, za->config, config);
	za_config_free(za->config);
	za->config = config;
	set_text(&za->status.source, source);
	set_text(&za->status.uuid, config->uuid);
	set_text(&za->status.version, config->version);
	za->status.applied_ms = now_ms();
	log_info("config_applied", "file=\"%s\" version=\"%s\" ports=%zu instances=%zu apps=%zu",
		 source, config->version, config->ports->n_ports, config->n_instances,
		 config->n_apps);
}

/* ---- Reading ---- */

/* -ENOENT: there is no file; other errors are told in err. */
static int read_config(const char *path, char **ret_data, size_t *ret_len, struct za_config **ret,
		       struct pbjson_error *err)
{
	int r;

	memset(err, 0, sizeof(*err));
	r = file_read(path, ZA_CONFIG_MAX, ret_data, ret_len);
	if (r == 0)
		return za_config_parse(*ret_data, *ret_len, ret, err);
	snprintf(err->why, sizeof(err->why), "%s", strerror(-r));
	return r;
}

static int refuse_old(const struct zedagent *za, const struct za_config *config,
		      struct pbjson_error *err)
{
	if (!za->config || !config->timestamp_ms || !za->config->timestamp_ms ||
	    config->timestamp_ms >= za->config->timestamp_ms)
		return 0;
	snprintf(err->pointer, sizeof(err->pointer), "/configTimestamp");
	snprintf(err->why, sizeof(err->why), "older than that of the configuration in force");
	return -EINVAL;
}

static void keep_last(struct zedagent *za, const char *data, size_t len)
{
	int r = file_replace(za->last_path, data, len, 0600);

	if (r < 0)
		log_error("config_not_kept", "file=\"%s\" err=%d", za->last_path, -r);
}

static void load_file(struct zedagent *za)
{
	_cleanup_(freep) char *data = NULL;
	struct za_config *config = NULL;
	struct pbjson_error err;
	size_t len = 0;
	int r;

	r = read_config(za->path, &data, &len, &config, &err);
	if (r == -ENOENT && za->config)
		return; /* being replaced, or gone: what is in force stays */
	if (r == 0)
		r = refuse_old(za, config, &err);
	if (r < 0) {
		za_config_free(config);
		refuse(za, za->path, &err);
		return;
	}
	put_in_force(za, config, za->path);
	set_text(&za->status.error, "");
	set_text(&za->status.error_pointer, "");
	za->status.error_ms = 0;
	publish_status(za);
	keep_last(za, data, len);
}

/* At start, so that a file that went bad meanwhile finds the last good one in force. */
static void load_last(struct zedagent *za)
{
	_cleanup_(freep) char *data = NULL;
	struct za_config *config = NULL;
	struct pbjson_error err;
	size_t len = 0;
	int r = read_config(za->last_path, &data, &len, &config, &err);

	if (r == 0)
		put_in_force(za, config, za->last_path);
	else if (r != -ENOENT)
		log_warning("config_last_bad", "file=\"%s\" why=\"%s\"", za->last_path, err.why);
}

/* ---- Watching: the folder, because files are replaced by rename ---- */

static void on_inotify(evutil_socket_t fd, short what, void *arg)
{
	char buf[4096] __attribute__((__aligned__(__alignof__(struct inotify_event))));
	struct zedagent *za = arg;
	bool hit = false;
	ssize_t n;

	(void)what;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const struct inotify_event *)p;

			hit = hit || (ev->mask & IN_Q_OVERFLOW) ||
			      (ev->len && strcmp(ev->name, za->name) == 0);
			p += sizeof(*ev) + ev->len;
		}
	}
	if (hit)
		load_file(za);
}

static int watch(struct zedagent *za)
{
	_cleanup_(freep) char *copy = xstrdup(za->path);
	const char *folder = dirname(copy);
	int r = dir_make(folder, 0755);

	if (r < 0)
		return r;
	za->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (za->inotify < 0)
		return -errno;
	if (inotify_add_watch(za->inotify, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		return -errno;
	za->watch_ev = event_new(daemon_base(za->daemon), za->inotify, EV_READ | EV_PERSIST,
				 on_inotify, za);
	return za->watch_ev && event_add(za->watch_ev, NULL) == 0 ? 0 : -ENOMEM;
}

/* ---- Life ---- */

static int open_bus(struct zedagent *za)
{
	const struct ps_conf conf = {
		.agent = "zedagent",
		.run_dir = daemon_run_dir(za->daemon),
		.state_dir = daemon_state_dir(za->daemon),
	};
	int r;

	r = ps_connect(daemon_base(za->daemon), &conf, &za->ps);
	if (r == 0)
		r = ps_advertise_device_port_config(za->ps, NULL, &za->ports_pub);
	if (r == 0)
		r = ps_advertise_network_instance_config(za->ps, NULL, &za->ni_pub);
	if (r == 0)
		r = ps_advertise_app_config(za->ps, NULL, &za->app_pub);
	if (r == 0)
		r = ps_advertise_global_config(za->ps, NULL, &za->global_pub);
	if (r == 0)
		r = ps_advertise_config_status(za->ps, NULL, &za->status_pub);
	return r;
}

static void publish_synced(struct zedagent *za)
{
	struct ps_pub *all[] = { za->global_pub, za->ports_pub, za->ni_pub, za->app_pub,
				 za->status_pub };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		ps_publish_synced(all[i]);
}

static int control_config(const char *args, FILE *out, void *arg)
{
	const struct zedagent *za = arg;
	struct strbuf text = STRBUF_INIT;

	(void)args;
	if (!za->config)
		return -ENOENT;
	pbjson_format(&za->config->ports->base, PBJSON_PRETTY, &text);
	for (size_t i = 0; i < za->config->n_instances; i++) {
		strbuf_addc(&text, '\n');
		pbjson_format(&za->config->instances[i]->base, PBJSON_PRETTY, &text);
	}
	for (size_t i = 0; i < za->config->n_apps; i++) {
		strbuf_addc(&text, '\n');
		pbjson_format(&za->config->apps[i]->base, PBJSON_PRETTY, &text);
	}
	fprintf(out, "%s\n", strbuf_str(&text));
	strbuf_fini(&text);
	return 0;
}

static void set_paths(struct zedagent *za, const char *path)
{
	const char *slash;

	za->path = path && path[0] ? xstrdup(path)
				   : xasprintf("%s/config.json", daemon_state_dir(za->daemon));
	slash = strrchr(za->path, '/');
	za->name = xstrdup(slash ? slash + 1 : za->path);
	za->last_path = xasprintf("%s/zedagent/lastconfig", daemon_state_dir(za->daemon));
}

int zedagent_new(struct daemon *d, const char *path, struct zedagent **ret)
{
	struct zedagent *za = xcalloc(1, sizeof(*za));
	int r;

	za->daemon = d;
	za->inotify = -1;
	ew__config_status__init(&za->status);
	set_paths(za, path);
	r = open_bus(za);
	if (r == 0)
		r = watch(za);
	if (r < 0) {
		log_error("start_failed", "file=\"%s\" err=%d", za->path, -r);
		zedagent_free(za);
		return r;
	}
	control_add(daemon_control(d), "config", "the configuration in force", control_config, za);
	load_last(za);
	load_file(za);
	publish_synced(za);
	daemon_ready(d, za->config ? "configuration in force" : "no configuration yet");
	*ret = za;
	return 0;
}

struct zedagent *zedagent_free(struct zedagent *za)
{
	if (!za)
		return NULL;
	ps_free(za->ps);
	if (za->watch_ev)
		event_free(za->watch_ev);
	closep(&za->inotify);
	za_config_free(za->config);
	set_text(&za->status.source, "");
	set_text(&za->status.uuid, "");
	set_text(&za->status.version, "");
	set_text(&za->status.error, "");
	set_text(&za->status.error_pointer, "");
	free(za->path);
	free(za->name);
	free(za->last_path);
	free(za);
	return NULL;
}
