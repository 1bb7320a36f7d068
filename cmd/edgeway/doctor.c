/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway doctor: every check there is; the exit status is the worst: 0 well, 1 does without
 * something, 2 cannot do its main job. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/table.h"
#include "dataplane/caps.h"

enum { WELL, WITHOUT, CANNOT };

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int check_kernel(void)
{
	static const enum cap needed[] = {
		CAPS_BRIDGE,	    CAPS_BRIDGE_ISOLATED, CAPS_VETH,	       CAPS_IPV6,
		CAPS_ADDR_PROTOCOL, CAPS_RULE_PROTOCOL,	  CAPS_NEIGH_PROTOCOL, CAPS_PROXY_ARP_PVLAN,
		CAPS_NFT_INET,	    CAPS_NFT_BRIDGE,	  CAPS_NFT_MASQUERADE, CAPS_NFT_CT_MARK,
		CAPS_NFT_REJECT,
	};
	struct caps caps;
	int worst = WELL, r;

	r = caps_probe(&caps);
	if (r < 0) {
		printf("kernel: not probed: %s\n", strerror(-r));
		return WITHOUT;
	}
	caps_print(&caps, stdout);
	for (enum cap cap = 0; cap < CAPS_COUNT; cap++)
		if (!caps_has(&caps, cap))
			worst = worse(worst, WITHOUT);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!caps_has(&caps, needed[i]))
			worst = CANNOT;
	return worst;
}

static bool in_path(const char *program)
{
	_cleanup_(freep) char *path =
		xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/sbin:/usr/bin");
	char *save = NULL;

	for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_(freep) char *file = xasprintf("%s/%s", dir, program);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static int check_helpers(void)
{
	static const char *const helpers[][2] = {
		{ "dnsmasq", "DHCP and DNS of network instances, DNS of the node (Debian package "
			     "dnsmasq-base)" },
		{ "dhcpcd", "ports with DHCP (Debian package dhcpcd-base)" },
		{ "wpa_supplicant", "ports with 802.1X (Debian package wpasupplicant)" },
	};
	int worst = WELL;

	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		bool there = in_path(helpers[i][0]);

		printf("%-22s %-4s %s\n", helpers[i][0], there ? "yes" : "NO", helpers[i][1]);
		worst = worse(worst, there ? WELL : CANNOT);
	}
	return worst;
}

static int check_daemons(void)
{
	int worst = WELL;

	for (const char *const *d = cli_daemons; *d; d++) {
		bool runs = cli_daemon_running(*d);

		printf("%-22s %-4s daemon\n", *d, runs ? "yes" : "NO");
		worst = worse(worst, runs ? WELL : CANNOT);
	}
	return worst;
}

static void config_verdict(const struct ps_topic *topic, const char *key, const void *data,
			   size_t len, void *arg)
{
	Ew__ConfigStatus *c = ew__config_status__unpack(NULL, len, data);
	int *worst = arg;

	(void)topic, (void)key;
	if (!c)
		return;
	if (c->error[0])
		printf("%-22s %-4s refused at \"%s\": %s\n", "configuration", "NO",
		       c->error_pointer, c->error);
	else
		printf("%-22s %-4s version %s from %s\n", "configuration", "yes", c->version,
		       c->source);
	*worst = worse(*worst, c->error[0] ? CANNOT : WELL);
	ew__config_status__free_unpacked(c, NULL);
}

static int check_config(void)
{
	struct table_topic topics[] = { { .topic = &ps_topic_config_status }, { .topic = NULL } };
	int worst = WELL;

	return table_read(topics, config_verdict, &worst) < 0 ? WITHOUT : worst;
}

int cmd_doctor(int argc, char *argv[])
{
	int worst;

	(void)argv;
	if (argc > 1)
		return cli_usage("doctor");
	worst = check_kernel();
	worst = worse(worst, check_helpers());
	worst = worse(worst, check_daemons());
	return worse(worst, check_config());
}
