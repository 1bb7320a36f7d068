/* SPDX-License-Identifier: Apache-2.0 */
/* The pure halves of dataplane/nl: building, reading, batching. No kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/linktab.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl_state.h"

struct buffer {
	char bytes[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *new_link(struct buffer *b, const char *name)
{
	struct nlmsghdr *msg = rtnl_prepare(b->bytes, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);

	ifi->ifi_index = 7;
	ifi->ifi_flags = IFF_UP;
	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	return msg;
}

static void link_is_read_back_as_it_was_written(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct nlattr *info, *data;
	struct link_info link;
	struct nlmsghdr *msg;
	struct buffer b;

	(void)state;
	msg = new_link(&b, "bn1");
	mnl_attr_put_u32(msg, IFLA_MTU, 1400);
	mnl_attr_put_u32(msg, IFLA_GROUP, 240);
	mnl_attr_put_u32(msg, IFLA_MASTER, 3);
	mnl_attr_put(msg, IFLA_ADDRESS, sizeof(mac), mac);
	info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_str(msg, IFLA_INFO_KIND, "bridge"); /* without NUL, as some tools send it */
	data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
	mnl_attr_put_u32(msg, IFLA_BR_STP_STATE, 1);
	mnl_attr_nest_end(msg, data);
	mnl_attr_nest_end(msg, info);

	assert_true(link_parse(msg, &link));
	assert_string_equal(link.ifname.str, "bn1");
	assert_string_equal(link.kind, "bridge");
	assert_int_equal(link.ifindex, 7);
	assert_int_equal(link.mtu_bytes, 1400);
	assert_int_equal(link.group, 240);
	assert_int_equal(link.master, 3);
	assert_memory_equal(&link.mac, mac, sizeof(mac));
	assert_true(link.flags & IFF_UP);
	assert_false(link.parent_elsewhere);
	assert_non_null(link.data);
}

static void link_without_a_name_or_index_is_refused(void **state)
{
	struct link_info link = { .ifindex = 99 };
	struct nlmsghdr *msg;
	struct buffer b;

	(void)state;
	msg = rtnl_prepare(b.bytes, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	assert_false(link_parse(msg, &link));
	msg = new_link(&b, "e0");
	((struct ifinfomsg *)mnl_nlmsg_get_payload(msg))->ifi_index = 0;
	assert_false(link_parse(msg, &link));
	msg = new_link(&b, "e0");
	msg->nlmsg_len = NLMSG_HDRLEN + 4;
	assert_false(link_parse(msg, &link));
	assert_int_equal(link.ifindex, 99);
}

static void short_and_absent_attributes_read_as_zero(void **state)
{
	const struct nlattr *tb[IFLA_MAX + 1];
	struct nlmsghdr *msg;
	struct ipaddr addr;
	struct buffer b;
	char text[4];

	(void)state;
	msg = new_link(&b, "interface");
	mnl_attr_put_u8(msg, IFLA_MTU, 9);
	mnl_attr_put_u16(msg, IFLA_MAX + 100, 1);
	rtnl_attrs(msg, sizeof(struct ifinfomsg), tb, IFLA_MAX);
	assert_int_equal(rtnl_u32(tb[IFLA_MTU]), 0);
	assert_int_equal(rtnl_u16(tb[IFLA_MTU]), 0);
	assert_int_equal(rtnl_u8(tb[IFLA_MTU]), 9);
	assert_int_equal(rtnl_u32(tb[IFLA_GROUP]), 0);
	rtnl_str(tb[IFLA_IFNAME], text, sizeof(text));
	assert_string_equal(text, "int");
	rtnl_str(NULL, text, sizeof(text));
	assert_memory_equal(text, "\0\0\0\0", 4);
	addr = rtnl_ipaddr(tb[IFLA_IFNAME], AF_INET);
	assert_false(ipaddr_is_set(&addr));
}

static void addresses_of_both_families_survive_the_wire(void **state)
{
	static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };
	const struct nlattr *tb[IFA_MAX + 1];
	struct ipaddr addr, back;
	struct nlmsghdr *msg;
	struct buffer b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(ipaddr_parse(texts[i], &addr), 0);
		msg = rtnl_prepare(b.bytes, RTM_NEWADDR, 0, sizeof(struct rtgenmsg));
		rtnl_put_ipaddr(msg, IFA_LOCAL, &addr);
		rtnl_attrs(msg, sizeof(struct rtgenmsg), tb, IFA_MAX);
		back = rtnl_ipaddr(tb[IFA_LOCAL], addr.family);
		assert_true(ipaddr_equal(&addr, &back));
		back = rtnl_ipaddr(tb[IFA_LOCAL], addr.family == AF_INET ? AF_INET6 : AF_INET);
		assert_false(ipaddr_is_set(&back));
	}
}

static struct nlmsghdr *error_message(struct buffer *b, int error, uint16_t flags)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(b->bytes);
	struct nlmsgerr *err;

	msg->nlmsg_type = NLMSG_ERROR;
	msg->nlmsg_flags = flags;
	err = mnl_nlmsg_put_extra_header(msg, sizeof(*err));
	err->error = error;
	err->msg.nlmsg_len = NLMSG_HDRLEN + 8;
	err->msg.nlmsg_seq = 42;
	return msg;
}

static void kernel_words_are_found_behind_a_capped_or_whole_request(void **state)
{
	struct nlsock_ack ack;
	struct nlmsghdr *msg;
	struct buffer b;

	(void)state;
	msg = error_message(&b, -EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	mnl_attr_put_strz(msg, NLMSGERR_ATTR_MSG, "Invalid prefix");
	assert_true(nlsock_parse_ack(msg, &ack));
	assert_int_equal(ack.err, -EINVAL);
	assert_int_equal(ack.seq, 42);
	assert_string_equal(ack.why, "Invalid prefix");

	msg = error_message(&b, -EPERM, NLM_F_ACK_TLVS);
	mnl_nlmsg_put_extra_header(msg, 8); /* the rest of the request */
	mnl_attr_put_strz(msg, NLMSGERR_ATTR_MSG, "No");
	assert_true(nlsock_parse_ack(msg, &ack));
	assert_string_equal(ack.why, "No");

	msg = error_message(&b, 0, NLM_F_CAPPED);
	assert_true(nlsock_parse_ack(msg, &ack));
	assert_int_equal(ack.err, 0);
	assert_null(ack.why);
}

static void malformed_acks_are_refused_or_wordless(void **state)
{
	struct nlsock_ack ack;
	struct nlmsghdr *msg;
	struct buffer b;

	(void)state;
	msg = error_message(&b, -EINVAL, NLM_F_CAPPED);
	msg->nlmsg_len -= 4;
	assert_false(nlsock_parse_ack(msg, &ack));
	msg = error_message(&b, EINVAL, NLM_F_CAPPED); /* codes are negative */
	assert_false(nlsock_parse_ack(msg, &ack));
	msg = error_message(&b, -EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	mnl_attr_put(msg, NLMSGERR_ATTR_MSG, 3, "abc"); /* not ended */
	assert_true(nlsock_parse_ack(msg, &ack));
	assert_null(ack.why);
	msg = error_message(&b, -EINVAL, NLM_F_ACK_TLVS);
	((struct nlmsgerr *)mnl_nlmsg_get_payload(msg))->msg.nlmsg_len = UINT32_MAX - 8;
	assert_true(nlsock_parse_ack(msg, &ack));
	assert_null(ack.why);
}

static void batch_keeps_order_and_whole_messages_across_sends(void **state)
{
	static const char filler[100];
	struct rtnl_batch b = { 0 };
	uint32_t slot, i, seen = 0;
	size_t c;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct nlmsghdr *msg = rtnl_batch_put(&b, RTM_NEWADDR, 0, 8);

		mnl_attr_put_u32(msg, IFA_LOCAL, i);
		mnl_attr_put(msg, IFA_LABEL, sizeof(filler), filler);
		slot = rtnl_batch_slot(&b, (struct dp_op *)(uintptr_t)(1 + i / 2));
		assert_int_equal(slot, i / 2);
		rtnl_batch_commit(&b, msg, slot, 0);
	}
	assert_int_equal(b.slots.count, 500);
	assert_int_equal(b.sent.count, 1000);
	assert_true(b.chunks.count > 1);
	for (c = 0; c < b.chunks.count; c++) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)b.chunks.at[c]->buf;
		int left = b.chunks.at[c]->len;

		assert_true(b.chunks.at[c]->len <= RTNL_CHUNK_SIZE);
		for (; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			const struct nlattr *tb[IFA_MAX + 1];

			rtnl_attrs(msg, 8, tb, IFA_MAX);
			assert_int_equal(rtnl_u32(tb[IFA_LOCAL]), seen++);
		}
	}
	assert_int_equal(seen, 1000);
	rtnl_batch_reset(&b);
	assert_int_equal(b.slots.count + b.sent.count, 0);
	assert_int_equal(b.chunks.count, 1);
	rtnl_batch_fini(&b);
}

static void message_begun_and_not_ended_is_not_sent(void **state)
{
	struct rtnl_batch b = { 0 };
	struct nlmsghdr *msg;

	(void)state;
	rtnl_batch_put(&b, RTM_NEWADDR, 0, 8);
	msg = rtnl_batch_put(&b, RTM_NEWROUTE, 0, 12);
	rtnl_batch_commit(&b, msg, 0, 0);
	assert_int_equal(b.chunks.at[0]->messages, 1);
	assert_int_equal(((struct nlmsghdr *)b.chunks.at[0]->buf)->nlmsg_type, RTM_NEWROUTE);
	rtnl_batch_fini(&b);
}

static void empty_kind_data_is_left_out(void **state)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct nlmsghdr *msg;
	struct buffer b;

	(void)state;
	msg = new_link(&b, "d0");
	link_nest_end(msg, link_nest_begin(msg, "dummy"));
	link_put_mtu(msg, 0);
	link_put_mac(msg, &(struct mac){ 0 });
	rtnl_attrs(msg, sizeof(struct ifinfomsg), tb, IFLA_MAX);
	assert_null(tb[IFLA_MTU]);
	assert_null(tb[IFLA_ADDRESS]);
	rtnl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	assert_non_null(info[IFLA_INFO_KIND]);
	assert_null(info[IFLA_INFO_DATA]);
}

static void table_of_links_forgets_what_it_is_told_to(void **state)
{
	struct linktab t;
	struct link_row *row;
	uint32_t i;

	(void)state;
	linktab_init(&t);
	for (i = 1; i <= 1000; i++)
		linktab_make(&t, i)->group = i;
	row = linktab_get(&t, 500);
	assert_int_equal(row->group, 500);
	assert_ptr_equal(linktab_make(&t, 500), row);
	linktab_drop(&t, row);
	assert_null(linktab_get(&t, 500));
	assert_int_equal(linktab_get(&t, 501)->group, 501);
	linktab_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_is_read_back_as_it_was_written),
		cmocka_unit_test(link_without_a_name_or_index_is_refused),
		cmocka_unit_test(short_and_absent_attributes_read_as_zero),
		cmocka_unit_test(addresses_of_both_families_survive_the_wire),
		cmocka_unit_test(kernel_words_are_found_behind_a_capped_or_whole_request),
		cmocka_unit_test(malformed_acks_are_refused_or_wordless),
		cmocka_unit_test(batch_keeps_order_and_whole_messages_across_sends),
		cmocka_unit_test(message_begun_and_not_ended_is_not_sent),
		cmocka_unit_test(empty_kind_data_is_left_out),
		cmocka_unit_test(table_of_links_forgets_what_it_is_told_to),
	};

	return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
