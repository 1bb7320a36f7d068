/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DHCP and DNS server of one local instance: what its files say. Pure. The main file changes
 * with the instance (restart); names, leases, options and upstream servers change with apps and ports
 * and are read again on SIGHUP.
 */
#pragma once

#include "zedrouter/model.h"

struct strbuf;
struct zr_uplink;

/* Host names that access lists of the instance's apps go by, each once, sorted. Borrowed from the
 * configuration of the apps; the caller frees the array. */
const char **zr_dnsmasq_listed(const struct zr_ni *ni, size_t *ret_n);

/* Adds a display name as the host name the server knows it by. */
void zr_dnsmasq_hostname(const char *name, struct strbuf *out);

/* Absolute paths of the files the main one names. */
struct zr_dnsmasq_paths {
	char hosts[256], dhcp_hosts[256], options[256];
	char servers[256]; /* "": there is none */
};

/* table: of nftables, whose sets the server fills. */
void zr_dnsmasq_conf(const struct zr_model *m, const struct zr_ni *ni,
		     const struct zr_dnsmasq_paths *paths, const char *table, struct strbuf *out);
void zr_dnsmasq_hosts(const struct zr_ni *ni, struct strbuf *out); /* addn-hosts */
void zr_dnsmasq_dhcp_hosts(const struct zr_ni *ni, struct strbuf *out);
/* dhcp-optsfile: the options that differ by port. */
void zr_dnsmasq_options(const struct zr_model *m, const struct zr_ni *ni, struct strbuf *out);
/* servers-file: those of the port that comes first. */
void zr_dnsmasq_servers(const struct zr_ports *ports, const struct zr_uplink *u,
			struct strbuf *out);
