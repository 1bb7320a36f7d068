/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of cards: addresses and use of ports, and what is there beside them. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "nim/cards.h"
#include "status.pb-c.h"

static Ew__PortUsage usage_of(const struct nim_port *port)
{
	if (!port->is_l3)
		return EW__PORT_USAGE__USAGE_L2_ONLY;
	return port->is_mgmt ? EW__PORT_USAGE__USAGE_MANAGEMENT : EW__PORT_USAGE__USAGE_APP_SHARED;
}

static bool is_port(const struct nim_config *config, const struct ifname *ifname)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (ifname_equal(&config->ports[i].ifname, ifname))
			return true;
	return false;
}

static const struct nim_assigned *assigned(const struct nim_cards *cards,
					   const struct nim_card *card)
{
	for (unsigned int i = 0; i < cards->nassigned; i++) {
		const struct nim_assigned *a = &cards->assigned[i];

		if ((a->pci[0] && strcmp(a->pci, card->pci) == 0) ||
		    (a->usb[0] && strcmp(a->usb, card->usb) == 0) ||
		    (!a->pci[0] && !a->usb[0] && ifname_equal(&a->ifname, &card->ifname)))
			return a;
	}
	return NULL;
}

static Ew__CardStatus *card_status(const struct nim_cards *cards, const struct nim_card *card,
				   struct arena *a)
{
	const struct nim_assigned *by = assigned(cards, card);
	Ew__CardStatus *s = arena_alloc(a, sizeof(*s));

	ew__card_status__init(s);
	s->ifname = arena_strdup(a, card->ifname.str);
	s->pci_address = arena_strdup(a, card->pci);
	s->usb_address = arena_strdup(a, card->usb);
	s->usage = by ? EW__PORT_USAGE__USAGE_APP_DIRECT : EW__PORT_USAGE__USAGE_UNUSED;
	s->app = arena_strdup(a, by ? by->app : "");
	return s;
}

/* The link has the greatest MTU that it can have, and works with it. */
static void judge_mtu(const struct nim_port *port, const struct nim_card *card, Ew__PortStatus *s,
		      struct arena *a)
{
	if (port->mtu_given && card->max_mtu_bytes && port->mtu_bytes > card->max_mtu_bytes &&
	    !s->error[0])
		s->error = arena_printf(a, "MTU %u is more than the interface takes: %u",
					port->mtu_bytes, card->max_mtu_bytes);
}

void nim_cards_status(const struct nim_cards *cards, const struct nim_config *config,
		      struct Ew__DeviceNetworkStatus *status, struct arena *arena)
{
	for (size_t i = 0; i < status->n_ports; i++) {
		const struct nim_port *port = &config->ports[i];
		const struct nim_card *card = nim_cards_named(cards, port->ifname.str);

		status->ports[i]->usage = usage_of(port);
		if (!card)
			continue;
		status->ports[i]->pci_address = arena_strdup(arena, card->pci);
		status->ports[i]->usb_address = arena_strdup(arena, card->usb);
		judge_mtu(port, card, status->ports[i], arena);
	}
	status->cards = arena_alloc(arena, (cards->n + 1) * sizeof(*status->cards));
	for (unsigned int i = 0; i < cards->n; i++)
		if (!is_port(config, &cards->list[i].ifname) || assigned(cards, &cards->list[i]))
			status->cards[status->n_cards++] =
				card_status(cards, &cards->list[i], arena);
}
