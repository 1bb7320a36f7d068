/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/boot/boot_left.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "nim/addressing.h"

#define FILE_MAX (64 * 1024)

/* ---- The file ---- */

static const char *const kinds[] = {
	[BOOT_ADDRESS] = "address",
	[BOOT_DEFAULT] = "default",
	[BOOT_GATEWAY] = "gateway",
};

void boot_left_format(const struct boot_left *left, struct strbuf *out)
{
	strbuf_addf(out, "%s %u %u ", kinds[left->kind], left->ifindex, left->metric);
	if (left->kind == BOOT_ADDRESS)
		prefix_format(&left->addr, out);
	else
		ipaddr_format(&left->gateway, out);
	strbuf_addc(out, '\n');
}

bool boot_left_parse(const char *line, struct boot_left *ret)
{
	struct boot_left left = { 0 };
	char kind[8], what[INET6_ADDRSTRLEN + 4];
	size_t i = 0;

	if (sscanf(line, "%7s %" SCNu32 " %" SCNu32 " %49s", kind, &left.ifindex, &left.metric,
		   what) != 4)
		return false;
	while (i < ARRAY_SIZE(kinds) && strcmp(kind, kinds[i]) != 0)
		i++;
	left.kind = (enum boot_kind)i;
	if (i == ARRAY_SIZE(kinds) || (i == BOOT_ADDRESS ? prefix_parse(what, &left.addr)
							 : ipaddr_parse(what, &left.gateway)) < 0)
		return false;
	*ret = left;
	return true;
}

int boot_left_load(const char *path, struct boot_left **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	struct boot_left *list;
	char *rest, *line;
	size_t n = 0;
	int r = file_read(path, FILE_MAX, &text, NULL);

	if (r < 0)
		return r;
	list = xcalloc(BOOT_LEFT_MAX, sizeof(*list));
	rest = text;
	while (n < BOOT_LEFT_MAX && (line = strsep(&rest, "\n")))
		n += boot_left_parse(line, &list[n]);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* ---- What becomes of an address ---- */

static bool is_own(const struct nim_port *port, const struct nim_iface *iface,
		   const struct prefix *addr)
{
	return nim_port_has_addr(port, addr) ||
	       (port->dhcp == NIM_DHCP_CLIENT && ipaddr_equal(&addr->addr, &iface->lease4.addr));
}

bool boot_port_has_addrs(const struct nim_port *port)
{
	return port->is_l3 && port->ipv4 && port->dhcp != NIM_DHCP_NONE;
}

enum boot_fate boot_fate(const struct nim_port *port, const struct nim_iface *iface,
			 const struct prefix *addr, bool elsewhere)
{
	if (port->error[0] || port->trial)
		return BOOT_STAYS;
	if (!boot_port_has_addrs(port))
		return elsewhere ? BOOT_LEAVES : BOOT_STAYS;
	if (is_own(port, iface, addr))
		return BOOT_ADOPTED;
	for (unsigned int i = 0; i < iface->naddrs; i++)
		if (iface->addrs[i].addr.family == AF_INET && is_own(port, iface, &iface->addrs[i]))
			return BOOT_LEAVES;
	return BOOT_STAYS;
}

/* ---- Connections ---- */

/* net/ipv4/tcp_ipv4.c, get_tcp4_sock(): the address as it lies in memory, as a number. Of a socket
 * of IPv6 it is the last of four, and the third says that it is one of IPv4. */
static bool is_end(const char *text, const struct ipaddr *addr)
{
	char four[9], six[33];
	uint32_t raw;

	memcpy(&raw, addr->byte, sizeof(raw));
	snprintf(four, sizeof(four), "%08" PRIX32, raw);
	snprintf(six, sizeof(six), "0000000000000000%08" PRIX32 "%s", htonl(0xffff), four);
	return strcmp(text, four) == 0 || strcmp(text, six) == 0;
}

bool boot_left_connected(FILE *file, const struct ipaddr *addr)
{
	char local[33];
	unsigned int state;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*u: %32[0-9A-F]:%*x %*32[0-9A-F]:%*x %x", local, &state) != 2)
			continue;
		if (state != TCP_LISTEN && state != TCP_CLOSE && state != TCP_TIME_WAIT &&
		    is_end(local, addr))
			return true;
	}
	return false;
}
