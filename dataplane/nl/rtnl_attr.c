/* SPDX-License-Identifier: Apache-2.0 */
/* Reading attributes: bounded, absent and short ones read as zero. */
#include <string.h>

#include "dataplane/nl/rtnl.h"

void rtnl_attrs(const struct nlmsghdr *msg, size_t header_len, const struct nlattr **tb,
		uint16_t max)
{
	const struct nlattr *attr;
	uint16_t type;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (mnl_nlmsg_get_payload_len(msg) < MNL_ALIGN(header_len))
		return;
	mnl_attr_for_each(attr, msg, header_len)
	{
		type = mnl_attr_get_type(attr);
		if (type <= max)
			tb[type] = attr;
	}
}

void rtnl_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	const struct nlattr *attr;
	uint16_t type;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
	{
		type = mnl_attr_get_type(attr);
		if (type <= max)
			tb[type] = attr;
	}
}

static bool holds(const struct nlattr *attr, size_t size)
{
	return attr && mnl_attr_get_payload_len(attr) >= size;
}

uint8_t rtnl_u8(const struct nlattr *attr)
{
	return holds(attr, sizeof(uint8_t)) ? mnl_attr_get_u8(attr) : 0;
}

uint16_t rtnl_u16(const struct nlattr *attr)
{
	return holds(attr, sizeof(uint16_t)) ? mnl_attr_get_u16(attr) : 0;
}

uint32_t rtnl_u32(const struct nlattr *attr)
{
	return holds(attr, sizeof(uint32_t)) ? mnl_attr_get_u32(attr) : 0;
}

void rtnl_str(const struct nlattr *attr, char *buf, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len > size - 1)
		len = size - 1;
	if (len)
		memcpy(buf, mnl_attr_get_payload(attr), len);
	/* Unused bytes are zero: specs are compared as memory. */
	len = strnlen(buf, len);
	memset(buf + len, 0, size - len);
}

void rtnl_put_ipaddr(struct nlmsghdr *msg, uint16_t type, const struct ipaddr *addr)
{
	mnl_attr_put(msg, type, addr->family == AF_INET ? 4 : 16, addr->byte);
}

struct ipaddr rtnl_ipaddr(const struct nlattr *attr, uint8_t family)
{
	size_t len = family == AF_INET ? 4 : 16;

	if ((family != AF_INET && family != AF_INET6) || !attr ||
	    mnl_attr_get_payload_len(attr) != len)
		return (struct ipaddr){ 0 };
	return ipaddr_from(family, mnl_attr_get_payload(attr));
}
