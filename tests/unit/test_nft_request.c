/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to nftables and how their answers end. A socket of ours plays the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dataplane/nft/internal.h"

#define DATA NLMSG_MIN_TYPE

struct kernel {
	struct nft nft;
	int fd; /* its end */
	unsigned int objects; /* handed over */
};

static int setup(void **state)
{
	struct kernel *k = xcalloc(1, sizeof(*k));
	int pair[2];

	/* Of this kind: it passes over the address that netlink wants with each send. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	k->nft.fd = pair[0];
	k->fd = pair[1];
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kernel *k = *state;

	close(k->nft.fd);
	close(k->fd);
	free(k);
	return 0;
}

/* Waits in the socket as an answer to the question that is asked as the n-th from now. */
static void answer(struct kernel *k, uint32_t n, uint16_t type, uint16_t flags, int code)
{
	char buf[64] __attribute__((__aligned__(8)));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *e;

	msg->nlmsg_type = type;
	msg->nlmsg_flags = flags;
	msg->nlmsg_seq = k->nft.seq + n;
	if (type == NLMSG_ERROR) {
		e = mnl_nlmsg_put_extra_header(msg, sizeof(*e));
		e->error = code;
	} else if (type == NLMSG_DONE) {
		*(int *)mnl_nlmsg_put_extra_header(msg, sizeof(code)) = code;
	}
	assert_int_equal(send(k->fd, msg, msg->nlmsg_len, 0), msg->nlmsg_len);
}

static int count(const struct nlmsghdr *msg, void *arg)
{
	struct kernel *k = arg;

	assert_int_equal(msg->nlmsg_type, DATA);
	k->objects++;
	return 0;
}

static int ask(struct kernel *k)
{
	char buf[64] __attribute__((__aligned__(8)));

	k->objects = 0;
	return nft_request(&k->nft, mnl_nlmsg_put_header(buf), count, k);
}

static void dump_ends_with_done(void **state)
{
	struct kernel *k = *state;

	answer(k, 1, DATA, NLM_F_MULTI, 0);
	answer(k, 1, DATA, NLM_F_MULTI, 0);
	answer(k, 1, NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(ask(k), 0);
	assert_int_equal(k->objects, 2);
}

static void dump_that_failed_under_way_is_a_failure(void **state)
{
	struct kernel *k = *state;

	answer(k, 1, DATA, NLM_F_MULTI, 0);
	answer(k, 1, NLMSG_DONE, NLM_F_MULTI, -ENOENT);
	assert_int_equal(ask(k), -ENOENT);
}

static void refusal_and_acknowledgement_end_it(void **state)
{
	struct kernel *k = *state;

	answer(k, 1, NLMSG_ERROR, NLM_F_CAPPED, -EPERM);
	assert_int_equal(ask(k), -EPERM);
	answer(k, 1, NLMSG_ERROR, NLM_F_CAPPED, 0);
	assert_int_equal(ask(k), 0);
	answer(k, 1, NLMSG_ERROR, NLM_F_CAPPED, EPERM); /* codes are negative */
	assert_int_equal(ask(k), -EBADMSG);
}

static void disturbed_dump_says_so(void **state)
{
	struct kernel *k = *state;

	answer(k, 1, DATA, NLM_F_MULTI, 0);
	answer(k, 1, DATA, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
	answer(k, 1, NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(ask(k), -EINTR);
}

static void answers_to_a_question_given_up_are_passed_over(void **state)
{
	struct kernel *k = *state;

	answer(k, 0, DATA, NLM_F_MULTI, 0);
	answer(k, 0, NLMSG_DONE, NLM_F_MULTI, -EIO);
	answer(k, 1, DATA, NLM_F_MULTI, 0);
	answer(k, 1, NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(ask(k), 0);
	assert_int_equal(k->objects, 1);
}

static void answer_without_an_end_is_an_error(void **state)
{
	struct kernel *k = *state;

	answer(k, 1, DATA, NLM_F_MULTI, 0);
	assert_int_equal(ask(k), -EBADMSG);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dump_ends_with_done),
		TEST(dump_that_failed_under_way_is_a_failure),
		TEST(refusal_and_acknowledgement_end_it),
		TEST(disturbed_dump_says_so),
		TEST(answers_to_a_question_given_up_are_passed_over),
		TEST(answer_without_an_end_is_an_error),
	};

	return cmocka_run_group_tests_name("nft_request", tests, NULL, NULL);
}
