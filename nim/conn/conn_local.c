/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_local.h"

#include <stdio.h>

#include "nim/wireless/wireless.h"

const char *conn_stage_name(enum conn_stage stage)
{
	static const char *const names[] = {
		[CONN_STAGE_LINK] = "link",	  [CONN_STAGE_ADDRESS] = "address",
		[CONN_STAGE_GATEWAY] = "gateway", [CONN_STAGE_DNS] = "dns",
		[CONN_STAGE_TCP] = "tcp",	  [CONN_STAGE_TLS] = "tls",
		[CONN_STAGE_HTTP] = "http",	  [CONN_STAGE_DONE] = "done",
	};

	return names[stage];
}

bool conn_has_gateway(const struct nim_port_view *view)
{
	return view->good4 || view->good6;
}

bool conn_is_tested_remotely(const struct nim_port *port)
{
	return port->is_mgmt && port->is_l3 && port->dhcp != NIM_DHCP_NONE;
}

static struct conn_result fails(enum conn_outcome outcome, enum conn_stage stage, const char *why)
{
	struct conn_result result = { .outcome = outcome, .stage = stage };

	snprintf(result.why, sizeof(result.why), "%.*s", (int)sizeof(result.why) - 1, why);
	return result;
}

static struct conn_result judge_link(const struct nim_port *port, const struct nim_iface *iface)
{
	if (iface->radio_silent)
		return fails(CONN_UNTESTED, CONN_STAGE_LINK, "radio silence");
	if (iface->wireless && iface->wireless->error[0])
		return fails(iface->wireless->pending ? CONN_NOT_READY : CONN_FAILED,
			     CONN_STAGE_LINK, iface->wireless->error);
	if (port->error[0])
		return fails(CONN_FAILED, CONN_STAGE_LINK, port->error);
	if (!iface->ifindex)
		return fails(CONN_FAILED, CONN_STAGE_LINK, "interface not found");
	if (!iface->up && iface->problem[0])
		return fails(CONN_FAILED, CONN_STAGE_LINK, iface->problem);
	if (!iface->up)
		return fails(CONN_NOT_READY, CONN_STAGE_LINK, "interface is down");
	if (!iface->carrier)
		return fails(CONN_FAILED, CONN_STAGE_LINK, "no carrier");
	return (struct conn_result){ .outcome = CONN_OK, .stage = CONN_STAGE_DONE };
}

/* What a client has not got it may get yet; what a static configuration lacks stays away. */
static enum conn_outcome lacks(const struct nim_port *port)
{
	return port->dhcp == NIM_DHCP_CLIENT ? CONN_NOT_READY : CONN_FAILED;
}

static bool is_silent(const struct nim_iface *iface, unsigned int family)
{
	return iface->health[family].gateway == NIM_GATEWAY_SILENT;
}

/* Without a default route it is to reach its own network, and that only. */
static struct conn_result judge_gateways(const struct nim_port *port, const struct nim_iface *iface,
					 const struct nim_port_view *view)
{
	char text[INET6_ADDRSTRLEN], why[INET6_ADDRSTRLEN + 40];

	if (!conn_has_gateway(view) && !port->no_default_route)
		return fails(lacks(port), CONN_STAGE_GATEWAY, "no gateway");
	if (!conn_has_gateway(view) || (view->good4 && !is_silent(iface, NIM_V4)) ||
	    (view->good6 && !is_silent(iface, NIM_V6)))
		return (struct conn_result){ .outcome = CONN_OK, .stage = CONN_STAGE_DONE };
	snprintf(why, sizeof(why), "the router %s does not answer",
		 ipaddr_str(view->good4 ? &view->gateway4 : &view->gateway6, text));
	return fails(CONN_FAILED, CONN_STAGE_GATEWAY, why);
}

static struct conn_result judge_addresses(const struct nim_port *port,
					  const struct nim_iface *iface,
					  const struct nim_port_view *view)
{
	if (port->dhcp == NIM_DHCP_NONE && port->is_mgmt)
		return fails(CONN_FAILED, CONN_STAGE_ADDRESS,
			     "a management port that is to have no address");
	if (port->dhcp == NIM_DHCP_NONE)
		return (struct conn_result){ .outcome = CONN_OK, .stage = CONN_STAGE_DONE };
	if (!iface->naddrs)
		return fails(CONN_NOT_READY, CONN_STAGE_ADDRESS, "no address");
	return judge_gateways(port, iface, view);
}

void conn_local(const struct nim_port *port, const struct nim_iface *iface,
		const struct nim_port_view *view, struct conn_result *ret)
{
	*ret = judge_link(port, iface);
	if (ret->outcome == CONN_OK && port->is_l3)
		*ret = judge_addresses(port, iface, view);
}
