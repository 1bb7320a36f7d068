/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/pnac/pnac.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/rundir.h"
#include "status.pb-c.h"

#define CLOCK_KNOWN_S 1577836800 /* 2020: before that nobody has set it */

/* ---- Certificate and key ---- */

static void __attribute__((__format__(__printf__, 4, 5)))
file_fail(char *error, size_t size, const char *folder, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (error[0])
		return;
	n = snprintf(error, size, "%s/", folder);
	if (n < 0 || (size_t)n >= size)
		return;
	va_start(ap, fmt);
	vsnprintf(error + n, size - (size_t)n, fmt, ap);
	va_end(ap);
}

static void judge_cert(const char *text, const char *name, const char *folder, struct cert *ret,
		       struct pnac_files *files)
{
	int r = text ? cert_parse_pem(text, strlen(text), ret) : 0;

	if (r == -ENOMSG)
		file_fail(files->error, sizeof(files->error), folder, "%s: holds no certificate",
			  name);
	else if (r < 0)
		file_fail(files->error, sizeof(files->error), folder,
			  "%s: holds a damaged certificate", name);
}

void pnac_files_judge(const struct pnac_texts *texts, const char *folder, struct pnac_files *ret)
{
	const struct {
		const char *name, *text;
		int error;
	} files[] = {
		{ PNAC_CERT, texts->cert, texts->cert_error },
		{ PNAC_KEY, texts->key, texts->key_error },
		{ PNAC_CA, texts->ca, texts->ca_error },
	};
	struct cert ca;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i].error)
			file_fail(ret->error, sizeof(ret->error), folder, "%s: %s", files[i].name,
				  files[i].error == -ENOENT ? "missing"
							    : strerror(-files[i].error));
		if (files[i].text)
			ret->hash = hash_bytes(files[i].text, strlen(files[i].text), ret->hash);
	}
	judge_cert(texts->cert, PNAC_CERT, folder, &ret->cert, ret);
	if (texts->key && !pem_has_private_key(texts->key))
		file_fail(ret->error, sizeof(ret->error), folder,
			  "%s: holds no private key without password", PNAC_KEY);
	if (texts->cert && texts->key && pem_key_is_anothers(texts->cert, texts->key))
		file_fail(ret->error, sizeof(ret->error), folder,
			  "%s: is not the key of " PNAC_CERT, PNAC_KEY);
	judge_cert(texts->ca, PNAC_CA, folder, &ca, ret);
}

void pnac_expiry(const struct pnac_files *files, const char *folder, int64_t now_s,
		 char ret[static WPA_WHY])
{
	_cleanup_(strbuf_fini) struct strbuf when = STRBUF_INIT;
	bool expired = now_s > files->cert.not_after_s;

	ret[0] = '\0';
	if (files->error[0] || now_s < CLOCK_KNOWN_S ||
	    (!expired && now_s >= files->cert.not_before_s))
		return;
	rfc3339_format(expired ? files->cert.not_after_s : files->cert.not_before_s, 0, &when);
	file_fail(ret, WPA_WHY, folder, expired ? "%s: expired on %s" : "%s: not valid before %s",
		  PNAC_CERT, strbuf_str(&when));
}

int64_t pnac_expiry_in(const struct pnac_files *files, int64_t now_s)
{
	const struct cert *cert = &files->cert;

	if (files->error[0] || now_s > cert->not_after_s)
		return -1;
	return (now_s < cert->not_before_s ? cert->not_before_s : cert->not_after_s + 1) - now_s;
}

const char *pnac_identity(const struct nim_port *port, const struct cert *cert)
{
	if (port->pnac_identity[0])
		return port->pnac_identity;
	return cert->common_name[0] ? cert->common_name : cert->uri;
}

/* ---- State ---- */

bool pnac_take_event(struct pnac *p, enum wpa_event event, const char *why, int64_t now_ms)
{
	switch (event) {
	case WPA_EVENT_STARTED:
		p->why[0] = '\0';
		return false;
	case WPA_EVENT_TROUBLE:
		if (!p->why[0]) /* the first says most */
			snprintf(p->why, sizeof(p->why), "%s", why);
		return false;
	case WPA_EVENT_SUCCESS:
		p->error[0] = '\0';
		p->asked_why = false;
		p->last_auth_ms = now_ms;
		return true;
	case WPA_EVENT_FAILURE:
		snprintf(p->error, sizeof(p->error), "%s",
			 p->why[0] ? p->why : "refused by the authenticator, without a reason");
		return true;
	case WPA_EVENT_OTHER:
	case WPA_EVENT_TERMINATING:
		break;
	}
	return false;
}

enum pnac_change pnac_take_status(struct pnac *p, const struct wpa_status *status, bool has_address)
{
	bool known = p->known, was = p->authorized;
	enum pnac_state old = p->state;

	p->known = true;
	p->authorized = status->authorized;
	p->state = status->state;
	if (known ? was != p->authorized : p->authorized && !has_address)
		return PNAC_MOVED;
	return old != p->state ? PNAC_CHANGED : PNAC_SAME;
}

bool pnac_asks_why(struct pnac *p)
{
	bool asks =
		(p->state == PNAC_HELD || p->state == PNAC_FAILED) && !p->error[0] && !p->asked_why;

	p->asked_why = p->asked_why || asks;
	return asks;
}

void pnac_forget(struct pnac *p)
{
	p->state = PNAC_UNSPECIFIED;
}

/* ---- What runs ---- */

char *pnac_folder(const struct pnac_dirs *dirs, const char *profile)
{
	return xasprintf("%s/pnac/%s", dirs->state_dir, profile);
}

/* "pnac/eth0.conf", a dp_file name. */
static void file_name(const struct nim_port *port, const char *suffix, char ret[static 128])
{
	struct strbuf name = STRBUF_INIT;

	rundir_escape(port->ifname.str, &name);
	snprintf(ret, 128, "pnac/%s.%s", strbuf_str(&name), suffix);
	strbuf_fini(&name);
}

/* In quotes wpa_supplicant takes text as it is, to the last quote; what is not plain goes as hex
 * (wpa_config_parse_string()). */
static void add_string(struct strbuf *out, const char *key, const char *value)
{
	bool plain = *value;

	for (const char *at = value; *at; at++)
		plain = plain && *at >= ' ' && *at <= '~' && *at != '"' && *at != '\\';
	strbuf_addf(out, "\t%s=", key);
	if (plain)
		strbuf_addf(out, "\"%s\"", value);
	for (const char *at = value; !plain && *at; at++)
		strbuf_addf(out, "%02x", (unsigned char)*at);
	strbuf_addc(out, '\n');
}

static void add_file(struct strbuf *out, const char *key, const char *folder, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", folder, name);

	add_string(out, key, path);
}

/* Without fast_reauth each round reads the certificate anew. */
void pnac_conf(const struct pnac_dirs *dirs, const struct nim_port *port, const char *identity,
	       struct strbuf *out)
{
	_cleanup_(freep) char *folder = pnac_folder(dirs, port->pnac_profile);
	char name[128], path[256];

	strbuf_addf(out,
		    "ctrl_interface=DIR=%s/%s/" DP_SUPPLICANT_DIR "\nap_scan=0\nfast_reauth=0\n"
		    "network={\n\tkey_mgmt=IEEE8021X\n\teap=TLS\n\teapol_flags=0\n",
		    dirs->run_dir, dirs->owner);
	add_string(out, "identity", identity);
	if (port->pnac_ca) {
		file_name(port, PNAC_CA, name);
		add_string(out, "ca_cert", dp_file_path(dirs->run_dir, dirs->owner, name, path));
	} else {
		add_file(out, "ca_cert", folder, PNAC_CA);
	}
	add_file(out, "client_cert", folder, PNAC_CERT);
	add_file(out, "private_key", folder, PNAC_KEY);
	strbuf_add(out, "}\n");
}

void pnac_scope(const char *label, char ret[static sizeof("pnac/") + NIM_LABEL])
{
	snprintf(ret, sizeof("pnac/") + NIM_LABEL, "pnac/%s", label);
}

struct dp_graph *nim_intent_pnac(const struct pnac_dirs *dirs, const struct nim_port *port,
				 uint32_t ifindex, const char *identity)
{
	struct dp_supplicant supplicant = { .ifname = port->ifname, .ifindex = ifindex };
	struct dp_file conf = { .mode = 0600 }, ca = { .content = (char *)port->pnac_ca };
	char scope[sizeof("pnac/") + NIM_LABEL];
	struct strbuf text = STRBUF_INIT;
	struct dp_graph *g;

	pnac_scope(port->label, scope);
	g = dp_graph_new(scope);
	if (!identity)
		return g;
	pnac_conf(dirs, port, identity, &text);
	conf.content = text.str;
	file_name(port, "conf", conf.name);
	dp_want(g, &dp_file_type, &conf);
	strcpy(supplicant.conf_file, conf.name);
	snprintf(supplicant.stamp, sizeof(supplicant.stamp), "%08" PRIx32 "%08" PRIx32,
		 hash_string(text.str), port->pnac_ca ? hash_string(port->pnac_ca) : 0);
	if (port->pnac_ca) {
		file_name(port, PNAC_CA, ca.name);
		dp_want(g, &dp_file_type, &ca);
	}
	dp_want(g, &dp_supplicant_type, &supplicant);
	if (port->pnac_ca)
		dp_after(g, &dp_file_type, ca.name);
	strbuf_fini(&text);
	return g;
}

struct Ew__PnacStatus *nim_pnac_status(const struct nim_port *port, const struct nim_iface *iface,
				       struct arena *arena)
{
	const struct nim_pnac *pnac = iface->pnac;
	Ew__PnacStatus *s;

	if (!port->pnac)
		return NULL;
	s = arena_alloc(arena, sizeof(*s));
	ew__pnac_status__init(s);
	s->enabled = true;
	s->profile = arena_strdup(arena, port->pnac_profile);
	if (!pnac)
		return s;
	s->state = (Ew__PnacState)pnac->state;
	s->last_auth_ms = pnac->last_auth_ms;
	s->cert_until_s = pnac->cert_until_s;
	s->identity = arena_strdup(arena, pnac->identity);
	s->error = arena_strdup(arena, pnac->error);
	return s;
}
