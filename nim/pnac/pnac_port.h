/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of pnac_port.c (one port with 802.1X) and pnac_ports.c (all of them, and their timer). */
#pragma once

#include "base/list.h"
#include "base/mono.h"
#include "nim/pnac/pnac.h"
#include "nim/pnac/pnac_ports.h"
#include "nim/pnac/pnac_reacquire.h"

struct pnac_port {
	struct list list;
	struct pnac_ports *all;
	struct nim_port config; /* as applied; pnac_ca is not looked at */
	struct pnac_files files;
	struct pnac pnac;
	struct pnac_reacquire reacquire;
	struct wpa_ctrl *ctrl;
	struct file_watch *watch;
	char *folder;
	struct prefix subnet; /* IPv4, of the port now */
	struct nim_pnac told;
	bool wanted; /* files were good once: what runs is not stopped for bad ones */
	bool carrier;
	bool marked; /* still configured */
	char identity[256];
	uint32_t hash; /* of the files the last round was begun with */
	struct mono settle; /* when to read the files: nobody writes any more */
	struct mono look; /* … to ask for the state once more */
	struct mono expiry; /* … to look at the wall clock */
};

struct pnac_ports {
	struct pnac_ports_conf conf;
	struct ps_pub *pub;
	struct event *timer; /* the next thing any port waits for */
	struct list ports;
	unsigned int retries;
};

/* pnac_ports.c */
void pnac_ports_arm(struct pnac_ports *all); /* a port waits for another time now */

/* pnac_port.c */
int pnac_port_new(struct pnac_ports *all, const struct nim_port *config,
		  struct pnac_port **ret); /* appends it; 0 or -errno */
void pnac_port_free(struct pnac_port *p); /* its wpa_supplicant runs on */
void pnac_port_forget(const struct pnac_port *p); /* it is configured no more */
void pnac_port_follow(struct pnac_port *p, const struct nim_port *config,
		      const struct nim_iface *iface);
void pnac_port_step(struct pnac_port *p, struct mono now); /* does what is due */
void pnac_port_tell(struct pnac_port *p); /* fills in p->told */
