/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the bus: what is packed is read back, everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "pubsub/frame.h"

static void parses_what_was_packed(void **state)
{
	uint8_t buf[64];
	size_t at = ps_frame_head(buf, PS_FRAME_SET, "key", 3, 4), need;
	const char data[] = { 'd', 'a', 't', 'a' };
	struct ps_frame_view f;

	(void)state;
	memcpy(buf + at, data, sizeof(data));
	assert_int_equal(ps_frame_parse(buf, sizeof(buf), &f, &need), PS_HEAD + 7);
	assert_int_equal(f.type, PS_FRAME_SET);
	assert_int_equal(f.key_len, 3);
	assert_memory_equal(f.key, "key", 3);
	assert_int_equal(f.data_len, 4);
	assert_memory_equal(f.data, "data", 4);
}

static void says_how_much_an_incomplete_frame_needs(void **state)
{
	uint8_t buf[64] = { 0 };
	struct ps_frame_view f;
	size_t need;

	(void)state;
	ps_frame_head(buf, PS_FRAME_SET, "key", 3, 4);
	for (size_t n = 0; n < PS_HEAD + 7; n++) {
		need = 0;
		assert_int_equal(ps_frame_parse(buf, n, &f, &need), 0);
		assert_int_equal(need, n < PS_HEAD ? PS_HEAD : PS_HEAD + 7);
	}
}

static ssize_t parse_head(uint32_t length, uint8_t type, uint8_t key_len, uint8_t reserved)
{
	uint8_t buf[PS_HEAD + 300];
	struct ps_frame_view f;
	size_t need;

	memset(buf, 'k', sizeof(buf));
	length = htole32(length);
	memcpy(buf, &length, 4);
	buf[4] = type;
	buf[5] = key_len;
	buf[6] = 0;
	buf[7] = reserved;
	return ps_frame_parse(buf, sizeof(buf), &f, &need);
}

static void refuses_frames_of_wrong_shape(void **state)
{
	(void)state;
	assert_int_equal(parse_head(5, 0, 1, 0), -EBADMSG); /* no such types */
	assert_int_equal(parse_head(5, 7, 1, 0), -EBADMSG);
	assert_int_equal(parse_head(5, 255, 1, 0), -EBADMSG);
	assert_int_equal(parse_head(5, PS_FRAME_SET, 1, 1), -EBADMSG); /* reserved */
	assert_int_equal(parse_head(5, PS_FRAME_SET, 6, 0), -EBADMSG); /* key beyond the frame */
	assert_int_equal(parse_head(5, PS_FRAME_SET, 0, 0), -EBADMSG); /* without key */
	assert_int_equal(parse_head(5, PS_FRAME_DELETE, 4, 0), -EBADMSG); /* with data */
	assert_int_equal(parse_head(1, PS_FRAME_SYNCED, 0, 0), -EBADMSG);
	assert_int_equal(parse_head(7, PS_FRAME_RECORD, 0, 0), -EBADMSG); /* no number */
	assert_int_equal(parse_head(9, PS_FRAME_RECORD, 1, 0), -EBADMSG);
	assert_int_equal(parse_head(9, PS_FRAME_HELLO, 1, 0), -EBADMSG);
	assert_int_equal(parse_head(PS_MSG_MAX + 2, PS_FRAME_SET, 1, 0), -EBADMSG); /* large */
	assert_int_equal(parse_head(PS_MSG_MAX + 9, PS_FRAME_RECORD, 0, 0), -EBADMSG);
	assert_int_equal(parse_head(PS_HELLO_MAX, PS_FRAME_HELLO, 0, 0), -EBADMSG);
	assert_int_equal(parse_head(UINT32_MAX, PS_FRAME_SET, 1, 0), -EBADMSG);
	assert_int_equal(parse_head(PS_MSG_MAX + 1, PS_FRAME_SET, 1, 0), 0); /* just fits */
	assert_int_equal(parse_head(5, PS_FRAME_DELETE, 5, 0), PS_HEAD + 5);
}

static void refuses_a_nul_inside_a_key(void **state)
{
	uint8_t buf[64];
	struct ps_frame_view f;
	size_t need;

	(void)state;
	ps_frame_head(buf, PS_FRAME_DELETE, "k\0y", 3, 0);
	assert_int_equal(ps_frame_parse(buf, sizeof(buf), &f, &need), -EBADMSG);
}

static const struct ps_hello sample = {
	.version = PS_PROTOCOL,
	.kind = PS_STREAM,
	.epoch = 0x1122334455667788,
	.seq = 42,
	.topic = "Topic",
	.message = "ew.Message",
	.agent = "agent",
};

static void hello_survives_the_wire(void **state)
{
	uint8_t buf[PS_HELLO_MAX];
	size_t n = ps_hello_pack(&sample, buf), need;
	struct ps_hello back = { 0 };
	struct ps_frame_view f;

	(void)state;
	assert_int_equal(ps_frame_parse(buf, n, &f, &need), n);
	assert_int_equal(ps_hello_unpack(&f, &back), 0);
	assert_int_equal(back.version, sample.version);
	assert_int_equal(back.kind, sample.kind);
	assert_int_equal(back.epoch, sample.epoch);
	assert_int_equal(back.seq, sample.seq);
	assert_string_equal(back.topic, sample.topic);
	assert_string_equal(back.message, sample.message);
	assert_string_equal(back.agent, sample.agent);
}

static void hello_cut_short_anywhere_is_refused(void **state)
{
	uint8_t buf[PS_HELLO_MAX];
	size_t n = ps_hello_pack(&sample, buf), need;

	(void)state;
	for (size_t cut = 0; cut < n - PS_HEAD; cut++) {
		/* A copy of its own, so that the sanitizer sees a read behind the end. */
		_cleanup_(freep) uint8_t *copy = xmemdup(buf, PS_HEAD + cut);
		struct ps_hello back = { .version = 99 };
		struct ps_frame_view f;

		ps_frame_head(copy, PS_FRAME_HELLO, NULL, 0, cut);
		assert_int_equal(ps_frame_parse(copy, PS_HEAD + cut, &f, &need), PS_HEAD + cut);
		assert_int_equal(ps_hello_unpack(&f, &back), -EBADMSG);
		assert_int_equal(back.version, 99); /* untouched */
	}
}

static void hello_of_a_stranger_is_refused(void **state)
{
	uint8_t buf[PS_HELLO_MAX];
	struct ps_hello back;
	struct ps_frame_view f;
	size_t n = ps_hello_pack(&sample, buf), need;

	(void)state;
	buf[PS_HEAD] ^= 1; /* magic */
	assert_int_equal(ps_frame_parse(buf, n, &f, &need), n);
	assert_int_equal(ps_hello_unpack(&f, &back), -EBADMSG);
	buf[PS_HEAD] ^= 1;
	buf[PS_HEAD + 6] = 2; /* kind */
	assert_int_equal(ps_hello_unpack(&f, &back), -EBADMSG);
}

static void mismatch_is_told_in_words(void **state)
{
	struct ps_hello theirs = sample;
	char why[PS_WHY_MAX];

	(void)state;
	assert_null(ps_hello_mismatch(&sample, &theirs, why));
	theirs.epoch = theirs.seq = 7; /* may differ, and so may who speaks */
	strcpy(theirs.agent, "other");
	assert_null(ps_hello_mismatch(&sample, &theirs, why));
	theirs.version = 9;
	assert_non_null(strstr(ps_hello_mismatch(&sample, &theirs, why), "other version 9"));
	theirs = sample;
	strcpy(theirs.topic, "Else");
	assert_non_null(strstr(ps_hello_mismatch(&sample, &theirs, why), "not Else"));
	theirs = sample;
	theirs.kind = PS_STATE;
	assert_non_null(strstr(ps_hello_mismatch(&sample, &theirs, why), "a table of"));
	theirs = sample;
	strcpy(theirs.message, "ew.Else");
	assert_non_null(strstr(ps_hello_mismatch(&sample, &theirs, why), "ew.Else"));
}

static void keys_have_1_to_255_bytes(void **state)
{
	char key[PS_KEY_MAX + 2];

	(void)state;
	memset(key, 'x', sizeof(key));
	key[PS_KEY_MAX + 1] = 0;
	assert_int_equal(ps_key_len(key), -EINVAL);
	key[PS_KEY_MAX] = 0;
	assert_int_equal(ps_key_len(key), PS_KEY_MAX);
	assert_int_equal(ps_key_len(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_was_packed),
		cmocka_unit_test(says_how_much_an_incomplete_frame_needs),
		cmocka_unit_test(refuses_frames_of_wrong_shape),
		cmocka_unit_test(refuses_a_nul_inside_a_key),
		cmocka_unit_test(hello_survives_the_wire),
		cmocka_unit_test(hello_cut_short_anywhere_is_refused),
		cmocka_unit_test(hello_of_a_stranger_is_refused),
		cmocka_unit_test(mismatch_is_told_in_words),
		cmocka_unit_test(keys_have_1_to_255_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
