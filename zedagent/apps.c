/* SPDX-License-Identifier: Apache-2.0 */
/* apps: their adapters on network instances, and the namespace they live in. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/check.h"
#include "zedagent/load.h"
#include "zedagent/names.h"

#define NETNS_MAX 63
#define NETNS_ARGUMENT "netns="

struct apps {
	struct za_config *config;
	struct za_names uuids, names, netns, instances;
	struct pbjson_error *err;
};

/* "netns=NAME" among the blank-separated words of extraargs; length 0: not given. */
static size_t netns_argument(const char *args, const char **ret)
{
	while (*args) {
		size_t len = strcspn(args, " \t");

		if (strncmp(args, NETNS_ARGUMENT, strlen(NETNS_ARGUMENT)) == 0) {
			*ret = args + strlen(NETNS_ARGUMENT);
			return len - strlen(NETNS_ARGUMENT);
		}
		args += len;
		args += strspn(args, " \t");
	}
	return 0;
}

/* As a file name below /run/netns. */
static int load_netns(struct apps *a, const EVE(AppInstanceConfig) * app, const struct za_at *at,
		      Ew__AppConfig *out)
{
	const char *given = "", *where;
	size_t len =
		app->fixedresources ? netns_argument(app->fixedresources->extraargs, &given) : 0;
	char name[NETNS_MAX + 1];

	if (!len) {
		given = app->displayname;
		len = strnlen(given, NETNS_MAX);
	}
	if (len > NETNS_MAX)
		return za_refuse(a->err, at, "/fixedresources/extraargs",
				 "name of the namespace is longer than %d bytes", NETNS_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)given[i];

		name[i] = isalnum(c) || c == '-' || c == '_' || (c == '.' && i > 0) ? (char)c : '-';
	}
	name[len] = '\0';
	where = za_names_add(&a->netns, name, at->path, 0);
	if (where)
		return za_refuse(a->err, at, "/fixedresources/extraargs",
				 "namespace %s is taken by %s", name, where);
	za_set(&out->netns, name);
	return 0;
}

static int load_acl(struct apps *a, const EVE(NetworkAdapter) * adapter, const struct za_at *at,
		    Ew__AppAdapter *out)
{
	for (size_t i = 0; i < adapter->n_acls; i++) {
		struct za_at here = za_at("%s/acls/%zu", at->path, i);
		Ew__AclEntry *entry = xcalloc(1, sizeof(*entry));
		int r;

		ew__acl_entry__init(entry);
		ZA_ADD(out, acl, entry);
		r = za_load_ace(adapter->acls[i], &here, entry, a->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_address(struct apps *a, const char *text, const struct za_at *at, size_t instance,
			Ew__AppAdapter *out)
{
	const Ew__NetworkInstanceConfig *ni = a->config->instances[instance];
	struct prefix net;
	struct ipaddr addr;

	if (!text[0] || ni->type != EW__NETWORK_INSTANCE_TYPE__NI_LOCAL)
		return 0;
	if (ipaddr_parse(text, &addr) < 0)
		return za_refuse(a->err, at, "/addr", "not an address: \"%.60s\"", text);
	if (prefix_parse(ni->subnet, &net) < 0 || !prefix_contains(&net, &addr))
		return za_refuse(a->err, at, "/addr", "%s is not in the subnet %s", text,
				 ni->subnet);
	if (strcmp(text, ni->gateway) == 0)
		return za_refuse(a->err, at, "/addr", "%s is the gateway", text);
	za_set_addr(&out->address, &addr);
	return 0;
}

static int load_adapter(struct apps *a, const EVE(NetworkAdapter) * adapter, const struct za_at *at,
			Ew__AppAdapter *out)
{
	char uuid[ZA_UUID_SIZE];
	struct mac mac;
	size_t instance;
	int r;

	za_set(&out->name, adapter->name);
	if (!za_uuid_parse(adapter->networkid, uuid))
		return za_refuse(a->err, at, "/networkId", "not a UUID: \"%.60s\"",
				 adapter->networkid);
	if (!za_names_find(&a->instances, uuid, &instance))
		return za_refuse(a->err, at, "/networkId", "no such network instance: %s", uuid);
	za_set(&out->network_instance, uuid);
	if (adapter->macaddress[0] &&
	    (mac_parse(adapter->macaddress, &mac) < 0 || (mac.byte[0] & 1) || !mac_is_set(&mac)))
		return za_refuse(a->err, at, "/macAddress", "not a unicast MAC address: \"%.60s\"",
				 adapter->macaddress);
	za_set(&out->mac, adapter->macaddress);
	r = load_address(a, adapter->addr, at, instance, out);
	return r < 0 ? r : load_acl(a, adapter, at, out);
}

static int load_app(struct apps *a, const EVE(AppInstanceConfig) * app, const struct za_at *at,
		    Ew__AppConfig *out)
{
	char uuid[ZA_UUID_SIZE];
	const char *where;
	int r;

	if (!app->uuidandversion || !za_uuid_parse(app->uuidandversion->uuid, uuid))
		return za_refuse(a->err, at, "/uuidandversion/uuid", "not a UUID");
	where = za_names_add(&a->uuids, uuid, at->path, 0);
	if (where)
		return za_refuse(a->err, at, "/uuidandversion/uuid", "taken by %s", where);
	if (!za_is_name(app->displayname))
		return za_refuse(a->err, at, "/displayname", "not a name of 1 to 128 bytes");
	where = za_names_add(&a->names, app->displayname, at->path, 0);
	if (where) /* names of apps are names in DNS */
		return za_refuse(a->err, at, "/displayname", "taken by %s", where);
	za_set(&out->uuid, uuid);
	za_set(&out->version, app->uuidandversion->version);
	za_set(&out->displayname, app->displayname);
	out->activate = app->activate;
	r = load_netns(a, app, at, out);
	for (size_t i = 0; r == 0 && i < app->n_interfaces; i++) {
		struct za_at here = za_at("%s/interfaces/%zu", at->path, i);
		Ew__AppAdapter *adapter = xcalloc(1, sizeof(*adapter));

		ew__app_adapter__init(adapter);
		ZA_ADD(out, adapters, adapter);
		r = load_adapter(a, app->interfaces[i], &here, adapter);
	}
	return r;
}

/* ---- Port maps: an external port leads to one app only ---- */

struct portmap {
	const Ew__AclEntry *entry;
	const Ew__NetworkInstanceConfig *ni;
	struct za_at at;
};

static bool same_ports(const struct portmap *a, const struct portmap *b)
{
	const char *la = a->entry->adapter[0] ? a->entry->adapter : a->ni->port_label;
	const char *lb = b->entry->adapter[0] ? b->entry->adapter : b->ni->port_label;
	bool v6a = strchr(a->ni->subnet, ':'), v6b = strchr(b->ni->subnet, ':');

	return v6a == v6b && strcmp(la, lb) == 0 && a->entry->protocol == b->entry->protocol &&
	       a->entry->lport_first <= b->entry->lport_last &&
	       b->entry->lport_first <= a->entry->lport_last;
}

static int check_portmap(const struct portmap *maps, size_t n, struct pbjson_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (same_ports(&maps[i], &maps[n]))
			return za_refuse(err, &maps[n].at, "", "external port is mapped by %s",
					 maps[i].at.path);
	return 0;
}

static int check_portmaps(const struct apps *a)
{
	const struct za_config *config = a->config;
	struct portmap *maps = NULL;
	size_t n = 0, instance;
	int r = 0;

	for (size_t i = 0; i < config->n_apps; i++) {
		for (size_t j = 0; j < config->apps[i]->n_adapters; j++) {
			const Ew__AppAdapter *adapter = config->apps[i]->adapters[j];

			za_names_find(&a->instances, adapter->network_instance, &instance);
			for (size_t k = 0; r == 0 && k < adapter->n_acl; k++) {
				if (adapter->acl[k]->action != EW__ACL_ACTION__ACL_PORTMAP)
					continue;
				maps = xrealloc(maps, n + 1, sizeof(*maps));
				maps[n] = (struct portmap){
					.entry = adapter->acl[k],
					.ni = config->instances[instance],
					.at = za_at("/apps/%zu/interfaces/%zu/acls/%zu", i, j, k),
				};
				r = check_portmap(maps, n++, a->err);
			}
		}
	}
	free(maps);
	return r;
}

int za_load_apps(const EVE(EdgeDevConfig) * dev, struct za_config *config, struct pbjson_error *err)
{
	struct apps a = { .config = config, .err = err };
	int r = 0;

	for (size_t i = 0; i < config->n_instances; i++)
		za_names_add(&a.instances, config->instances[i]->uuid, "", i);
	for (size_t i = 0; r == 0 && i < dev->n_apps; i++) {
		struct za_at at = za_at("/apps/%zu", i);
		Ew__AppConfig *out = xcalloc(1, sizeof(*out));

		ew__app_config__init(out);
		ZA_ADD(config, apps, out);
		r = load_app(&a, dev->apps[i], &at, out);
	}
	if (r == 0)
		r = check_portmaps(&a);
	za_names_fini(&a.uuids);
	za_names_fini(&a.names);
	za_names_fini(&a.netns);
	za_names_fini(&a.instances);
	return r;
}
