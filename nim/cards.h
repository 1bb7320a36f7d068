/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network cards of the node, by their addresses: a port that is named by its PCI or USB address
 * is the interface of that card, whatever it is called, and again when it was renamed, pulled out
 * and put back. Pure, but for nim_card_read().
 */
#pragma once

#include "nim/config.h"

#define NIM_CARDS 128 /* those beyond are not found by their address */
#define NIM_CARD_ADDRESS 24 /* bytes with NUL */

struct dp;

struct nim_card {
	struct ifname ifname;
	uint32_t ifindex;
	uint32_t max_mtu_bytes; /* 0: any */
	char pci[NIM_CARD_ADDRESS]; /* "0000:01:00.0"; "": none */
	char usb[NIM_CARD_ADDRESS]; /* "1:2.3": bus, and ports from hub to hub; "": none */
};

struct nim_assigned { /* to an app: nobody else may touch it */
	char app[NIM_LABEL];
	struct ifname ifname; /* empty: by address only */
	char pci[NIM_CARD_ADDRESS], usb[NIM_CARD_ADDRESS];
};

struct nim_modem { /* what the daemon of modems tells */
	char label[NIM_LABEL]; /* of a port */
	struct ifname ifname;
};

struct nim_cards {
	struct nim_card *list; /* owned */
	unsigned int n;
	struct nim_modem *modems; /* owned */
	unsigned int nmodems;
	struct nim_assigned *assigned; /* owned */
	unsigned int nassigned;
};

void nim_cards_fini(struct nim_cards *cards); /* an all-zero one is fine */

/* Reads what the kernel and /sys know of the device of a link. False: it has none. */
bool nim_card_read(struct dp *dp, const struct dp_link *link, struct nim_card *ret);
/* The address in the name of a device ("1-2.3:1.0" of bus "usb") or in the path of one on another
 * bus ("/sys/devices/pci0000:00/0000:00:03.0/virtio2"). */
void nim_card_address(const char *bus, const char *device, const char *path, struct nim_card *ret);

/* Both: true when a port may be another interface now. */
bool nim_cards_put(struct nim_cards *cards, const struct nim_card *card);
bool nim_cards_remove(struct nim_cards *cards, const char *ifname);

/* To whom the card of this interface is assigned; NULL: to nobody. */
const char *nim_cards_app(const struct nim_cards *cards, const struct ifname *ifname);
/* The same of the card of a port, even when the host has no interface of it any more. */
const char *nim_cards_port_app(const struct nim_cards *cards, const struct nim_port *port);
/* No card has the address of the port, and no app has it: it may come yet. */
bool nim_cards_await(const struct nim_cards *cards, const struct nim_port *port);
/* Interfaces of modems; copies. True: others than before. */
bool nim_cards_set_modems(struct nim_cards *cards, const struct nim_modem *modems, unsigned int n);
const struct nim_card *nim_cards_named(const struct nim_cards *cards, const char *ifname);

/*
 * The interface of a port; the error is the port's. Its address counts first; of several interfaces
 * of one card the one that is named, else the first. Where no card has the address, the name is
 * believed unless its interface shows another address (one without any may be a virtual one).
 * A modem needs neither: then it is the interface that its daemon tells of.
 * cards NULL: the name as it is, when nobody asks for the interface yet.
 */
void nim_cards_resolve(const struct nim_cards *cards, struct nim_port *port, const char *ifname);
/* What a daemon tells gives no port the interface of another one: that one's counts. Of all ports
 * together, once they are resolved. */
void nim_cards_refuse_told(struct nim_config *config);
/* Whether nim_cards_resolve() would answer otherwise than when this was loaded. */
bool nim_cards_moved(const struct nim_cards *cards, const struct nim_config *config);

struct arena;
struct Ew__AssignedAdapters;
struct Ew__DeviceNetworkStatus;
/* True: other interfaces are assigned now. NULL is none. */
bool nim_cards_assign(struct nim_cards *cards, const struct Ew__AssignedAdapters *msg);
/* Addresses of the ports, and the cards that are no port. */
void nim_cards_status(const struct nim_cards *cards, const struct nim_config *config,
		      struct Ew__DeviceNetworkStatus *status, struct arena *arena);
