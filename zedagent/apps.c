/* SPDX-License-Identifier: Apache-2.0 */
/* Applications and their adapters. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"
#include "zedagent/portmaps.h"

#define NETNS_MAX 64 /* bytes in the name of a network namespace */

struct apps {
	struct za_map *m;
	struct za_names uuids, displaynames, netns;
	struct za_names addresses, macs; /* "instance/address" */
	struct za_portmaps portmaps;
};

static int map_identity(struct apps *s, const EVE(AppInstanceConfig) * in, const struct za_at *at,
			Ew__AppConfig *app)
{
	char uuid[ZA_UUID_SIZE];
	const char *other;

	if (!in->uuidandversion)
		return za_refuse(s->m->err, at, "/uuidandversion", "a UUID is required");
	if (!za_uuid_parse(in->uuidandversion->uuid, uuid) || za_uuid_is_nil(uuid))
		return za_refuse(s->m->err, at, "/uuidandversion/uuid", "\"%.80s\" is no UUID",
				 in->uuidandversion->uuid);
	other = za_names_add(&s->uuids, uuid, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, "/uuidandversion/uuid", "the UUID is taken by %s",
				 other);
	if (!za_is_name(in->displayname))
		return za_refuse(s->m->err, at, "/displayname",
				 "expected a name of 1 to 128 bytes");
	other = za_names_add(&s->displaynames, in->displayname, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, "/displayname", "\"%.80s\" is taken by %s",
				 in->displayname, other);
	za_set(&app->uuid, uuid);
	za_set(&app->version, in->uuidandversion->version);
	za_set(&app->displayname, in->displayname);
	app->activate = in->activate;
	return 0;
}

static bool netns_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* A file name under /run/netns: nothing that leaves the folder. */
static bool is_netns(const char *s, size_t len)
{
	if (len < 1 || len > NETNS_MAX || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!netns_char(s[i]))
			return false;
	}
	return true;
}

/* The word "netns=NAME" of extraargs; NULL when there is none. */
static const char *netns_argument(const EVE(AppInstanceConfig) * in, size_t *ret_len)
{
	const char *s = in->fixedresources ? in->fixedresources->extraargs : "";

	for (;;) {
		size_t len;

		s += strspn(s, " \t");
		len = strcspn(s, " \t");
		if (len == 0)
			return NULL;
		if (strncmp(s, "netns=", 6) == 0) {
			*ret_len = len - 6;
			return s + 6;
		}
		s += len;
	}
}

/* The display name with what a file name may not hold replaced by '-'. */
static char *netns_from_name(const char *displayname)
{
	char *name = xstrdup(displayname);
	size_t i;

	for (i = 0; i < NETNS_MAX && name[i]; i++) {
		if (!netns_char(name[i]) || (i == 0 && (name[i] == '.' || name[i] == '-')))
			name[i] = i == 0 ? '_' : '-';
	}
	name[i] = '\0';
	return name;
}

static int map_netns(struct apps *s, const EVE(AppInstanceConfig) * in, const struct za_at *at,
		     Ew__AppConfig *app)
{
	const char *member = "/displayname", *argument, *other;
	size_t len;

	app->kind = EW__APP_KIND__APP_NAMESPACE;
	argument = netns_argument(in, &len);
	if (argument) {
		member = "/fixedresources/extraargs";
		if (!is_netns(argument, len))
			return za_refuse(s->m->err, at, member,
					 "\"%.*s\" is no name of a network namespace",
					 (int)(len < 100 ? len : 100), argument);
		app->netns = xstrndup(argument, len);
	} else {
		app->netns = netns_from_name(in->displayname);
	}
	other = za_names_add(&s->netns, app->netns, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, member,
				 "network namespace \"%.80s\" is taken by %s", app->netns, other);
	return 0;
}

/* A static address lies in the subnet and outside of what DHCP hands out. */
static int check_address(struct apps *s, const char *text, const Ew__NetworkInstanceConfig *ni,
			 const struct za_at *at, struct ipaddr *ret)
{
	struct ipaddr addr, gateway, start, end, last;
	struct pbjson_error *err = s->m->err;
	struct prefix subnet;

	if (ipaddr_parse(text, &addr) < 0)
		return za_refuse(err, at, "/addr", "\"%.80s\" is no IP address", text);
	if (prefix_parse(ni->subnet, &subnet) < 0 || !prefix_contains(&subnet, &addr))
		return za_refuse(err, at, "/addr", "%s is not inside of %s", text, ni->subnet);
	last = prefix_last(&subnet);
	if (ipaddr_equal(&addr, &subnet.addr) || ipaddr_equal(&addr, &last))
		return za_refuse(err, at, "/addr", "%s is the %s address of %s", text,
				 ipaddr_equal(&addr, &last) ? "broadcast" : "network", ni->subnet);
	if (ipaddr_parse(ni->gateway, &gateway) == 0 && ipaddr_equal(&addr, &gateway))
		return za_refuse(err, at, "/addr", "%s is the gateway of the instance", text);
	if (ipaddr_parse(ni->dhcp_start, &start) == 0 && ipaddr_parse(ni->dhcp_end, &end) == 0 &&
	    ipaddr_compare(&start, &addr) <= 0 && ipaddr_compare(&addr, &end) <= 0)
		return za_refuse(err, at, "/addr", "%s is inside of the DHCP range %s to %s", text,
				 ni->dhcp_start, ni->dhcp_end);
	*ret = addr;
	return 0;
}

static int map_address(struct apps *s, const EVE(NetworkAdapter) * in,
		       const Ew__NetworkInstanceConfig *ni, const struct za_at *at,
		       Ew__AppAdapter *adapter)
{
	_cleanup_(freep) char *key = NULL;
	struct ipaddr addr;
	const char *other;
	int r;

	/* A switch has no subnet: EVE ignores the address, and so do we. */
	if (!*in->addr || ni->type != EW__NETWORK_INSTANCE_TYPE__NI_LOCAL)
		return 0;
	r = check_address(s, in->addr, ni, at, &addr);
	if (r < 0)
		return r;
	za_set_addr(&adapter->address, &addr);
	key = xasprintf("%s/%s", ni->uuid, adapter->address);
	other = za_names_add(&s->addresses, key, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, "/addr", "%s is the address of %s", in->addr,
				 other);
	return 0;
}

static int map_mac(struct apps *s, const EVE(NetworkAdapter) * in,
		   const Ew__NetworkInstanceConfig *ni, const struct za_at *at,
		   Ew__AppAdapter *adapter)
{
	_cleanup_(freep) char *key = NULL;
	const char *other;
	struct mac mac;

	if (!*in->macaddress)
		return 0;
	if (mac_parse(in->macaddress, &mac) < 0 || !mac_is_set(&mac) || mac.byte[0] & 1)
		return za_refuse(s->m->err, at, "/macAddress",
				 "\"%.80s\" is no MAC address of one interface", in->macaddress);
	za_set_mac(&adapter->mac, &mac);
	key = xasprintf("%s/%s", ni->uuid, adapter->mac);
	other = za_names_add(&s->macs, key, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, "/macAddress", "%s is the address of %s",
				 in->macaddress, other);
	return 0;
}

static int map_acl(struct apps *s, const EVE(NetworkAdapter) * in,
		   const Ew__NetworkInstanceConfig *ni, const struct za_at *at,
		   Ew__AppAdapter *adapter)
{
	int r;

	adapter->acl = xcalloc(in->n_acls + 1, sizeof(*adapter->acl));
	for (size_t i = 0; i < in->n_acls; i++) {
		struct za_at place = za_at("%s/acls/%zu", at->path, i);

		r = za_map_ace(in->acls[i], ni, &place, &adapter->acl[i], s->m->err);
		if (r < 0)
			return r;
		adapter->n_acl++;
		if (adapter->acl[i]->action == EW__ACL_ACTION__ACL_PORTMAP)
			za_portmaps_add(&s->portmaps, adapter->acl[i], ni, &place);
	}
	return 0;
}

/* NULL: refused. */
static const Ew__NetworkInstanceConfig *
find_instance(struct apps *s, const EVE(NetworkAdapter) * in, const struct za_at *at)
{
	char uuid[ZA_UUID_SIZE];
	size_t index;

	if (!za_uuid_parse(in->networkid, uuid))
		za_refuse(s->m->err, at, "/networkId", "\"%.80s\" is no UUID", in->networkid);
	else if (!za_names_find(&s->m->instances, uuid, &index))
		za_refuse(s->m->err, at, "/networkId", "no network instance has the UUID %s", uuid);
	else
		return s->m->out->instances[index];
	return NULL;
}

static int map_adapter(struct apps *s, const EVE(NetworkAdapter) * in, size_t k,
		       const struct za_at *at, struct za_names *names, Ew__AppConfig *app)
{
	Ew__AppAdapter *adapter = xcalloc(1, sizeof(*adapter));
	const Ew__NetworkInstanceConfig *ni;
	const char *other;
	int r;

	ew__app_adapter__init(adapter);
	ZA_ADD(app, adapters, adapter);
	if (*in->name && !za_is_name(in->name))
		return za_refuse(s->m->err, at, "/name", "expected a name of 1 to 128 bytes");
	adapter->name = *in->name ? xstrdup(in->name) : xasprintf("eth%zu", k);
	other = za_names_add(names, adapter->name, at->path, 0);
	if (other)
		return za_refuse(s->m->err, at, "/name", "\"%.80s\" is taken by %s", adapter->name,
				 other);
	if (in->access_vlan_id > 4094)
		return za_refuse(s->m->err, at, "/accessVlanId", "expected 0 to 4094");
	ni = find_instance(s, in, at);
	if (!ni)
		return -EINVAL;
	za_set(&adapter->network_instance, ni->uuid);
	r = map_mac(s, in, ni, at, adapter);
	if (r == 0)
		r = map_address(s, in, ni, at, adapter);
	return r < 0 ? r : map_acl(s, in, ni, at, adapter);
}

static int map_app(struct apps *s, size_t i)
{
	_cleanup_(za_names_fini) struct za_names names = { 0 };
	const EVE(AppInstanceConfig) *in = s->m->eve->apps[i];
	struct za_at at = za_at("/apps/%zu", i);
	Ew__AppConfig *app = xcalloc(1, sizeof(*app));
	int r;

	ew__app_config__init(app);
	s->m->out->apps[s->m->out->n_apps++] = app;
	r = map_identity(s, in, &at, app);
	if (r == 0)
		r = map_netns(s, in, &at, app);
	for (size_t k = 0; r == 0 && k < in->n_interfaces; k++) {
		struct za_at place = za_at("%s/interfaces/%zu", at.path, k);

		r = map_adapter(s, in->interfaces[k], k, &place, &names, app);
	}
	if (in->n_adapters)
		za_set(&app->error, "direct assignment of adapters is not supported yet");
	return r;
}

int za_map_apps(struct za_map *m)
{
	struct apps s = { .m = m, .portmaps.ports = m->out->ports };
	int r = 0;

	m->out->apps = xcalloc(m->eve->n_apps + 1, sizeof(*m->out->apps));
	for (size_t i = 0; r == 0 && i < m->eve->n_apps; i++)
		r = map_app(&s, i);
	if (r == 0)
		r = za_portmaps_check(&s.portmaps, m->err);
	za_names_fini(&s.uuids);
	za_names_fini(&s.displaynames);
	za_names_fini(&s.netns);
	za_names_fini(&s.addresses);
	za_names_fini(&s.macs);
	za_portmaps_fini(&s.portmaps);
	return r;
}
