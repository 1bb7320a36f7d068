/* SPDX-License-Identifier: Apache-2.0 */
/* Specs of things outside netlink: sysctls, files, helper processes, network namespaces. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/dp.h"

/* /proc/sys/NAME = VALUE in the engine's namespace; prior value recorded before the first write
 * and restored on removal. Those of an interface (net/ipv4/conf/IF/…) need and fall with it.
 * Key: NAME, '/'-separated. */
struct dp_sysctl {
	char name[96];
	char value[32];
};
extern const struct dp_type dp_sysctl_type;
/* Wants net/DIR/LEAF = VALUE; dir "ipv4", "ipv6/conf/eth0". */
void dp_want_sysctl(struct dp_graph *g, const char *dir, const char *leaf, const char *value);

/* A file below <run_dir>/<owner>/files/; content is heap of the spec. Key: NAME. */
struct dp_file {
	char name[128]; /* relative, may hold folders: "dnsmasq/bn1.conf" */
	char *content;
	uint32_t mode; /* 0: 0644 */
};
extern const struct dp_type dp_file_type;
/* Absolute path of one, for those who must name it in another spec. Returns buf. */
const char *dp_file_path(const char *run_dir, const char *owner, const char *name, char buf[256]);

/*
 * A file outside of our folders, put in the place of what was there: that is kept beside it as
 * PATH.edgeway-prior, and put back in one step when the item goes. Whatever happens, one of the two
 * is there. content is heap of the spec. Key: PATH.
 */
struct dp_placed {
	char path[128]; /* absolute; its folder is there */
	char *content;
};
extern const struct dp_type dp_placed_type;
/* An earlier run placed that file, before a reboot or under another configuration: dp_adopt() finds
 * it and dp_sweep() puts back what was there. No-op when nothing is kept beside it. */
int dp_placed_remember(const char *run_dir, const char *owner, const char *path);

#define DP_STAMP 24 /* bytes with NUL */

/* Tells apart texts that a helper process reads. */
void dp_stamp(const char *text, char ret[DP_STAMP]);

/*
 * A helper process that outlives the daemon: pid file <run_dir>/<owner>/pids/NAME, adopted when
 * its command line and stamp are as wanted. A process that ends is drift and is started again
 * with back-off. Base of dnsmasq and dhcpcd below; those are ready once the process runs.
 * Key: NAME.
 */
struct dp_process {
	char name[64];
	char *argv; /* heap: arguments joined by '\0', ended by an empty one */
	char stamp[DP_STAMP]; /* configuration it was started with: changed = restart */
	char reload_stamp[DP_STAMP]; /* changed: SIGHUP only */
	char needs_file[2][128]; /* dp_file names it must not start before; "" = none */
	struct ifname needs_link; /* empty: none */
	uint32_t stop_ms; /* SIGKILL after; 0: 3 s */
};
extern const struct dp_type dp_process_type;

/* dnsmasq --conf-file=… in the foreground. Files it reads are dp_file items. Key: NAME. */
struct dp_dnsmasq {
	char name[32]; /* instance, "bn1" */
	struct ifname ifname; /* serves on; must exist */
	char conf_file[128]; /* dp_file name */
	char stamp[DP_STAMP]; /* of the conf file: changed = restart */
	char hosts_stamp[DP_STAMP]; /* of the hosts files: changed = SIGHUP */
};
extern const struct dp_type dp_dnsmasq_type;

/* dhcpcd on one interface, master of nothing but lease and addresses: no resolv.conf, no default
 * routes, our hook. What it was given is told by dataplane/lease.h. Needs the interface up. Keeps
 * the addresses while the cable is out. Key: IFNAME. */
struct dp_dhcpcd {
	struct ifname ifname;
	bool ipv4, ipv6;
	char vendor_class[64]; /* option 60; "" = none */
	char hostname[64]; /* "" = none */
	uint64_t since_s; /* any clock that goes on; one that is older is started anew; 0: any age */
};
extern const struct dp_type dp_dhcpcd_type;

/* The client of that interface asks its server anew for the address it has, or for one; when none
 * runs there is nobody to ask. */
void dp_dhcpcd_ask_again(struct dp *dp, const struct ifname *ifname);

/* wpa_supplicant for 802.1X on one wired interface, which must be up. Its control socket is
 * <run_dir>/<owner>/DP_SUPPLICANT_DIR/IFNAME, as its conf_file has to say. Key: IFNAME. */
#define DP_SUPPLICANT_DIR "wpa"
struct dp_supplicant {
	struct ifname ifname;
	char conf_file[128]; /* dp_file name */
	char stamp[24]; /* of all it reads at its start: changed = restart */
	uint32_t ifindex; /* of that card; another one by its name = restart; 0: any */
};
extern const struct dp_type dp_supplicant_type;

/* ip netns add NAME (bind mount under /run/netns). foreign ones are observed. Key: NAME. */
struct dp_netns {
	char name[64];
};
extern const struct dp_type dp_netns_type;
