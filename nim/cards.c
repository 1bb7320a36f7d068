/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config.pb-c.h"
#include "dataplane/nl/link_hardware.h"

void nim_cards_fini(struct nim_cards *cards)
{
	free(cards->list);
	free(cards->assigned);
	free(cards->modems);
	*cards = (struct nim_cards){ .n = 0 };
}

/* ---- Addresses ---- */

static bool is_pci(const char *s, size_t len)
{
	static const char form[] = "xxxx:xx:xx.x";

	if (len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == 'x' ? !strchr("0123456789abcdef", s[i]) || !s[i] : s[i] != form[i])
			return false;
	return true;
}

/* The innermost PCI device of the path. */
static void pci_of_path(const char *path, char ret[NIM_CARD_ADDRESS])
{
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (is_pci(path, len))
			snprintf(ret, NIM_CARD_ADDRESS, "%.*s", (int)len, path);
		path += len;
	}
}

void nim_card_address(const char *bus, const char *device, const char *path, struct nim_card *ret)
{
	const char *dash = strchr(device, '-');
	size_t len = strcspn(device, ":");

	if (strcmp(bus, "pci") == 0)
		snprintf(ret->pci, sizeof(ret->pci), "%.*s", NIM_CARD_ADDRESS - 1, device);
	else if (strcmp(bus, "usb") != 0)
		pci_of_path(path, ret->pci);
	else if (dash && len < sizeof(ret->usb))
		snprintf(ret->usb, sizeof(ret->usb), "%.*s:%.*s", (int)(dash - device), device,
			 (int)(len - (size_t)(dash + 1 - device)), dash + 1);
}

bool nim_card_read(struct dp *dp, const struct dp_link *link, struct nim_card *ret)
{
	_cleanup_(freep) char *device = NULL, *path = NULL;
	struct nim_card card = { .ifname = link->ifname, .ifindex = link->ifindex };
	struct link_hardware hardware;

	/* A link that has a kind was made by a program. */
	if (link->kind[0] || link_hardware_read(dp, link->ifindex, &hardware) < 0 ||
	    !hardware.bus[0])
		return false;
	device = xasprintf("/sys/bus/%s/devices/%s", hardware.bus, hardware.device);
	path = realpath(device, NULL);
	card.max_mtu_bytes = hardware.max_mtu_bytes;
	nim_card_address(hardware.bus, hardware.device, path ?: "", &card);
	*ret = card;
	return true;
}

/* ---- The cards there are ---- */

static struct nim_card *find_named(const struct nim_cards *cards, const char *ifname)
{
	for (unsigned int i = 0; i < cards->n; i++)
		if (strcmp(cards->list[i].ifname.str, ifname) == 0)
			return &cards->list[i];
	return NULL;
}

const struct nim_card *nim_cards_named(const struct nim_cards *cards, const char *ifname)
{
	return find_named(cards, ifname);
}

bool nim_cards_put(struct nim_cards *cards, const struct nim_card *card)
{
	struct nim_card *have = find_named(cards, card->ifname.str);

	if (have && have->ifindex == card->ifindex)
		return false;
	if (!have) {
		if (cards->n == NIM_CARDS)
			return false;
		cards->list = xrealloc(cards->list, cards->n + 1, sizeof(*cards->list));
		have = &cards->list[cards->n++];
	}
	*have = *card;
	return true;
}

bool nim_cards_remove(struct nim_cards *cards, const char *ifname)
{
	struct nim_card *have = find_named(cards, ifname);

	if (!have)
		return false;
	*have = cards->list[--cards->n];
	return true;
}

/* ---- Ports ---- */

/* An address that is not given fits no card. */
static bool fits(const struct nim_card *card, const char *pci, const char *usb)
{
	return (*pci && strcasecmp(card->pci, pci) == 0) || (*usb && strcmp(card->usb, usb) == 0);
}

static const struct nim_card *find_addressed(const struct nim_cards *cards,
					     const struct nim_port *port)
{
	const struct nim_card *found = NULL;

	for (unsigned int i = 0; i < cards->n; i++) {
		const struct nim_card *card = &cards->list[i];

		if (!fits(card, port->pci, port->usb))
			continue;
		if (ifname_equal(&card->ifname, &port->asked))
			return card;
		if (!found || card->ifindex < found->ifindex)
			found = card;
	}
	return found;
}

const char *nim_cards_app(const struct nim_cards *cards, const struct ifname *ifname)
{
	const struct nim_card *card = find_named(cards, ifname->str);

	for (unsigned int i = 0; i < cards->nassigned; i++) {
		const struct nim_assigned *a = &cards->assigned[i];

		if (card && (a->pci[0] || a->usb[0])
			    ? fits(card, a->pci, a->usb)
			    : ifname->str[0] && ifname_equal(&a->ifname, ifname))
			return a->app;
	}
	return NULL;
}

const char *nim_cards_port_app(const struct nim_cards *cards, const struct nim_port *port)
{
	for (unsigned int i = 0; i < cards->nassigned; i++) {
		const struct nim_assigned *a = &cards->assigned[i];

		if ((port->pci[0] && strcasecmp(a->pci, port->pci) == 0) ||
		    (port->usb[0] && strcmp(a->usb, port->usb) == 0))
			return a->app;
	}
	return nim_cards_app(cards, &port->ifname);
}

bool nim_cards_await(const struct nim_cards *cards, const struct nim_port *port)
{
	return (port->pci[0] || port->usb[0]) && !port->ifname.str[0] &&
	       !nim_cards_port_app(cards, port);
}

static void judge_assignment(const struct nim_cards *cards, struct nim_port *port)
{
	const char *app = nim_cards_port_app(cards, port);

	if (app)
		nim_port_fail(port, "assigned to an application", app);
}

static struct ifname told_of(const struct nim_cards *cards, const char *label)
{
	for (unsigned int i = 0; i < cards->nmodems; i++)
		if (strcmp(cards->modems[i].label, label) == 0)
			return cards->modems[i].ifname;
	return (struct ifname){ .str = "" };
}

static void be_absent(struct nim_port *port, bool addressed)
{
	bool first = !port->error[0];

	if (addressed)
		nim_port_fail(port, "no interface has the address",
			      port->pci[0] ? port->pci : port->usb);
	else
		nim_port_fail(port, "the modem has no interface yet", port->label);
	port->absent = first;
}

void nim_cards_resolve(const struct nim_cards *cards, struct nim_port *port, const char *ifname)
{
	const struct nim_card *card = NULL, *named;
	bool modem = port->wireless == NIM_WIRELESS_CELLULAR;
	bool addressed = port->pci[0] || port->usb[0], absent;

	if (ifname_parse(ifname, &port->asked) < 0 && (*ifname || !(addressed || modem)))
		nim_port_fail(port, "bad interface name", ifname);
	port->ifname = port->asked;
	port->told = (struct ifname){ .str = "" };
	if (!cards)
		return;
	if (addressed)
		card = find_addressed(cards, port);
	named = find_named(cards, port->asked.str);
	absent = !card && (addressed || modem) &&
		 (!*ifname || (addressed && named && (named->pci[0] || named->usb[0])));
	if (card)
		port->ifname = card->ifname;
	else if (absent && modem)
		port->ifname = port->told = told_of(cards, port->label);
	else if (absent)
		port->ifname = (struct ifname){ .str = "" };
	judge_assignment(cards, port);
	if (absent && !port->ifname.str[0])
		be_absent(port, addressed);
}

static bool has_before(const struct nim_config *config, unsigned int port)
{
	const struct ifname *told = &config->ports[port].told;

	for (unsigned int i = 0; i < config->nports; i++)
		if (i != port && ifname_equal(&config->ports[i].ifname, told) &&
		    (i < port || !config->ports[i].told.str[0]))
			return true;
	return false;
}

void nim_cards_refuse_told(struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		struct nim_port *port = &config->ports[i];
		bool first = !port->error[0];

		if (!port->told.str[0] || !has_before(config, i))
			continue;
		nim_port_fail(port, "the modem's interface is another port's", port->told.str);
		port->absent = port->absent || first; /* its daemon may tell another one */
		port->ifname = (struct ifname){ .str = "" };
	}
}

static bool is_moved(const struct nim_port *was, const struct nim_port *now)
{
	if (now->told.str[0] || was->told.str[0])
		return !ifname_equal(&now->told, &was->told);
	return !ifname_equal(&now->ifname, &was->ifname);
}

bool nim_cards_moved(const struct nim_cards *cards, const struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		_cleanup_(freep) struct nim_port *now = xmemdup(&config->ports[i], sizeof(*now));

		if (now->lower != NIM_LOWER_NONE)
			continue;
		nim_cards_resolve(cards, now, now->asked.str);
		if (is_moved(&config->ports[i], now))
			return true;
	}
	return false;
}

bool nim_cards_set_modems(struct nim_cards *cards, const struct nim_modem *modems, unsigned int n)
{
	if (n == cards->nmodems && (!n || memcmp(modems, cards->modems, n * sizeof(*modems)) == 0))
		return false;
	free(cards->modems);
	cards->modems = n ? xmemdup(modems, n * sizeof(*modems)) : NULL;
	cards->nmodems = n;
	return true;
}

/* ---- Assignments ---- */

static void copy_address(char ret[NIM_CARD_ADDRESS], const char *address)
{
	if (strlen(address) < NIM_CARD_ADDRESS)
		strcpy(ret, address);
}

static bool assigned_equal(const struct nim_assigned *a, const struct nim_assigned *b)
{
	return strcmp(a->app, b->app) == 0 && ifname_equal(&a->ifname, &b->ifname) &&
	       strcmp(a->pci, b->pci) == 0 && strcmp(a->usb, b->usb) == 0;
}

bool nim_cards_assign(struct nim_cards *cards, const struct Ew__AssignedAdapters *msg)
{
	size_t n = msg ? msg->n_adapters : 0;
	struct nim_assigned *list = xcalloc(n + 1, sizeof(*list));
	bool same = n == cards->nassigned;

	for (size_t i = 0; i < n; i++) {
		const Ew__AssignedAdapter *from = msg->adapters[i];

		snprintf(list[i].app, sizeof(list[i].app), "%.*s", NIM_LABEL - 1, from->app);
		(void)ifname_parse(from->ifname, &list[i].ifname); /* "": by its address */
		copy_address(list[i].pci, from->pci_address);
		copy_address(list[i].usb, from->usb_address);
		same = same && assigned_equal(&list[i], &cards->assigned[i]);
	}
	free(cards->assigned);
	cards->assigned = list;
	cards->nassigned = (unsigned int)n;
	return !same;
}
