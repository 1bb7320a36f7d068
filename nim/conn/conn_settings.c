/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "config.pb-c.h"

#define PING "/api/v2/edgedevice/ping"
#define DEADLINE_S 15
#define INTERVAL_S 300

/* ---- Items ---- */

/* All or none, as zedagent has seen to. */
static void load_urls(const char *list, struct conn_items *items)
{
	unsigned int n = 0;
	int r;

	do
		r = n < HTTP_URLS ? http_url_next(&list, items->urls[n]) : 0;
	while (r > 0 && ++n);
	items->nurls = r < 0 ? 0 : n;
}

static uint32_t read_number(const char *text, uint32_t otherwise)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	return isdigit((unsigned char)*text) && !*end && number && number <= 86400
		       ? (uint32_t)number
		       : otherwise;
}

void conn_items_load(const struct Ew__GlobalConfig *msg, struct conn_items *ret)
{
	*ret = (struct conn_items){ .deadline_s = DEADLINE_S, .interval_s = INTERVAL_S };
	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const char *key = msg->items[i]->key, *value = msg->items[i]->value;

		if (strcmp(key, "timer.port.timeout") == 0)
			ret->deadline_s = read_number(value, DEADLINE_S);
		else if (strcmp(key, "timer.port.testinterval") == 0)
			ret->interval_s = read_number(value, INTERVAL_S);
		else if (strcmp(key, "edgeway.probe.urls") == 0)
			load_urls(value, ret);
	}
}

unsigned int conn_targets(const struct conn_settings *s, const char *ret[HTTP_URLS])
{
	if (s->controller[0]) {
		ret[0] = s->controller;
		return 1;
	}
	for (unsigned int i = 0; i < s->items.nurls; i++)
		ret[i] = s->items.urls[i];
	return s->items.nurls;
}

/* ---- Files ---- */

int conn_controller_url(const char *server, char ret[HTTP_URL_MAX])
{
	size_t blank = strspn(server, " \t\r\n"), len = strcspn(server + blank, " \t\r\n");
	struct http_url parsed;
	char url[HTTP_URL_MAX];

	server += blank;
	if (!len || server[len + strspn(server + len, " \t\r\n")] ||
	    snprintf(url, sizeof(url), "https://%.*s" PING, (int)len, server) >= (int)sizeof(url) ||
	    memchr(server, '/', len) || http_url_parse(url, &parsed) < 0)
		return -EINVAL;
	strcpy(ret, url);
	return 0;
}

static char *existing(const char *dir, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);

	return access(path, F_OK) == 0 ? take_ptr(path) : NULL;
}

/* The device's own certificate, before it has one that of its onboarding: EVE's names. */
static void find_certificate(struct conn_settings *s, const char *dir)
{
	static const char *const names[] = { "device", "onboard" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *cert_name = xasprintf("%s.cert.pem", names[i]);
		_cleanup_(freep) char *key_name = xasprintf("%s.key.pem", names[i]);
		_cleanup_(freep) char *cert = existing(dir, cert_name);
		_cleanup_(freep) char *key = existing(dir, key_name);

		if (!cert || !key)
			continue;
		s->cert_file = take_ptr(cert);
		s->key_file = take_ptr(key);
		return;
	}
}

static void read_server(struct conn_settings *s, const char *dir)
{
	_cleanup_(freep) char *path = xasprintf("%s/server", dir);
	_cleanup_(freep) char *text = NULL;
	int r = file_read(path, CONN_SERVER_MAX, &text, NULL);
	bool bad;

	s->controller[0] = '\0';
	if (r == 0)
		r = conn_controller_url(text, s->controller);
	bad = r < 0 && r != -ENOENT && r != -ENOTDIR;
	if (bad && !s->refused)
		log_warning("controller_unknown", "file=\"%s\" err=%d why=\"no HOST or HOST:PORT\"",
			    path, -r);
	s->refused = bad;
}

static void read_serial(struct conn_settings *s, const char *dir)
{
	_cleanup_(freep) char *path = xasprintf("%s/soft_serial", dir);
	_cleanup_(freep) char *text = NULL;

	if (file_read(path, CONN_SERVER_MAX, &text, NULL) < 0)
		return;
	text[strcspn(text, " \t\r\n")] = '\0';
	for (const char *c = text; *c; c++)
		if (!isgraph((unsigned char)*c))
			return; /* it is to be a header's value */
	s->soft_serial = *text ? take_ptr(text) : NULL;
}

void conn_settings_read(struct conn_settings *s, const char *config_dir)
{
	conn_settings_fini(s);
	read_server(s, config_dir);
	s->roots_file = existing(config_dir, "root-certificate.pem");
	if (!s->controller[0])
		return;
	find_certificate(s, config_dir);
	read_serial(s, config_dir);
}

void conn_settings_fini(struct conn_settings *s)
{
	free(take_ptr(s->roots_file));
	free(take_ptr(s->cert_file));
	free(take_ptr(s->key_file));
	free(take_ptr(s->soft_serial));
}
