/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "tests/proto/sample.pb-c.h"

static void message_freep(ProtobufCMessage **msg)
{
	if (*msg)
		protobuf_c_message_free_unpacked(*msg, NULL);
}

static void sample_freep(Sample__Sample **msg)
{
	sample__sample__free_unpacked(*msg, NULL);
}

static Sample__Sample *parse_ok(const char *text)
{
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err = { "", "" };
	int r = pbjson_parse(&sample__sample__descriptor, text, strlen(text), &msg, &err);

	if (r < 0)
		fail_msg("%s: %s: %s", text, err.pointer, err.why);
	return (Sample__Sample *)msg;
}

static void refused_by(const ProtobufCMessageDescriptor *desc, const char *text,
		       const char *pointer, const char *why)
{
	ProtobufCMessage *msg = (ProtobufCMessage *)0x1;
	struct pbjson_error err = { "unset", "unset" };

	assert_int_equal(pbjson_parse(desc, text, strlen(text), &msg, &err), -EINVAL);
	assert_string_equal(err.pointer, pointer);
	assert_string_equal(err.why, why);
	assert_ptr_equal(msg, (void *)0x1);
}

static void refused(const char *text, const char *pointer, const char *why)
{
	refused_by(&sample__sample__descriptor, text, pointer, why);
}

/* Text in, text out; and the text that came out means the same again. */
static void becomes(const char *in, const char *out)
{
	_cleanup_(sample_freep) Sample__Sample *msg = parse_ok(in);
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;

	pbjson_format(&msg->base, 0, &first);
	assert_string_equal(strbuf_str(&first), out);

	_cleanup_(sample_freep) Sample__Sample *again = parse_ok(strbuf_str(&first));

	pbjson_format(&again->base, 0, &second);
	assert_string_equal(strbuf_str(&second), out);
	strbuf_fini(&first);
	strbuf_fini(&second);
}

static void same(const char *text)
{
	becomes(text, text);
}

static void integers_keep_their_extremes(void **state)
{
	(void)state;
	same("{\"i32\":-2147483648,\"s32\":2147483647,\"sf32\":-1,\"u32\":4294967295,\"f32\":1}");
	same("{\"i64\":\"-9223372036854775808\",\"s64\":\"9223372036854775807\",\"sf64\":\"-1\","
	     "\"u64\":\"18446744073709551615\",\"f64\":\"1\"}");
}

static void integers_come_as_number_text_or_whole_real(void **state)
{
	(void)state;
	becomes("{\"i64\":9223372036854775807}", "{\"i64\":\"9223372036854775807\"}");
	becomes("{\"i32\":\"12\",\"s32\":1e3,\"u32\":7.0}", "{\"i32\":12,\"s32\":1000,\"u32\":7}");
	becomes("{\"u64\":1e19}", "{\"u64\":\"10000000000000000000\"}");
}

static void integers_out_of_range_are_refused(void **state)
{
	(void)state;
	refused("{\"i32\":2147483648}", "/i32", "number out of range");
	refused("{\"i32\":-2147483649}", "/i32", "number out of range");
	refused("{\"u32\":-1}", "/u32", "number out of range");
	refused("{\"u32\":4294967296}", "/u32", "number out of range");
	refused("{\"i64\":\"9223372036854775808\"}", "/i64", "number out of range");
	refused("{\"u64\":\"18446744073709551616\"}", "/u64", "number out of range");
	refused("{\"u64\":2e19}", "/u64", "number out of range");
	refused("{\"u64\":\"-1\"}", "/u64", "number out of range");
}

static void integers_of_other_shape_are_refused(void **state)
{
	static const char *const bad[] = { "1.5",    "\"\"",	"\"-\"",   "\"+1\"", "\"01\"",
					   "\"-0\"", "\" 1\"",	"\"1 \"",  "true",   "[]",
					   "{}",     "\"0x1\"", "\"1e3\"", "\"1.0\"" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "{\"i32\":%s}", bad[i]);
		refused(text, "/i32", "expected an integer");
	}
}

static void numbers_too_big_for_json_are_syntax_errors_with_a_place(void **state)
{
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err;
	const char *text = "{\n  \"u64\": 99999999999999999999\n}";

	(void)state;
	assert_int_equal(pbjson_parse(&sample__sample__descriptor, text, strlen(text), &msg, &err),
			 -EINVAL);
	assert_string_equal(err.pointer, "");
	assert_non_null(strstr(err.why, "line 2, column"));
	assert_non_null(strstr(err.why, "too big"));
}

static void reals_keep_their_value(void **state)
{
	(void)state;
	same("{\"single\":0.1,\"real\":0.1}");
	same("{\"single\":3.4028235e+38,\"real\":1.7976931348623157e+308}");
	same("{\"single\":-0.0,\"real\":-0.0}");
	becomes("{\"real\":5e-324}", "{\"real\":4.94066e-324}");
	same("{\"single\":\"NaN\",\"real\":\"-Infinity\"}");
	becomes("{\"real\":12,\"single\":\"2.5\"}", "{\"single\":2.5,\"real\":12}");
	refused("{\"single\":1e39}", "/single", "number out of range");
	refused("{\"real\":\"1e999\"}", "/real", "number out of range");
	refused("{\"real\":\"inf\"}", "/real", "expected a number");
	refused("{\"real\":\"0x1p3\"}", "/real", "expected a number");
	refused("{\"real\":\"1-\"}", "/real", "expected a number");
	refused("{\"real\":true}", "/real", "expected a number");
}

static void booleans_are_only_true_and_false(void **state)
{
	(void)state;
	same("{\"truth\":true}");
	becomes("{\"truth\":false}", "{}");
	refused("{\"truth\":1}", "/truth", "expected true or false");
	refused("{\"truth\":\"true\"}", "/truth", "expected true or false");
}

static void strings_are_escaped(void **state)
{
	(void)state;
	same("{\"text\":\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u007f/\"}");
	becomes("{\"text\":\"\\u00e4\\u20ac\\ud83d\\ude00\"}",
		"{\"text\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}");
	refused("{\"text\":5}", "/text", "expected a string");
}

static void bytes_that_are_not_utf8_do_not_reach_the_output(void **state)
{
	Sample__Sample msg = SAMPLE__SAMPLE__INIT;
	struct strbuf out = STRBUF_INIT;
	/* stray continuation, overlong '/', surrogate, beyond U+10FFFF, cut short */
	char text[] = "a\x80"
		      "b\xc0\xaf"
		      "c\xed\xa0\x80"
		      "d\xf4\x90\x80\x80"
		      "e\xe2\x82";

	(void)state;
	msg.text = text;
	pbjson_format(&msg.base, 0, &out);
#define BAD "\xef\xbf\xbd"
	assert_string_equal(strbuf_str(&out), "{\"text\":\"a" BAD "b" BAD BAD "c" BAD BAD BAD
					      "d" BAD BAD BAD BAD "e" BAD BAD "\"}");
	strbuf_fini(&out);
}

static void bytes_are_base64_of_either_alphabet(void **state)
{
	(void)state;
	same("{\"raw\":\"AAEC/w==\"}");
	becomes("{\"raw\":\"-_8\"}", "{\"raw\":\"+/8=\"}");
	becomes("{\"raw\":\"\"}", "{}");
	refused("{\"raw\":\"A\"}", "/raw", "expected base64");
	refused("{\"raw\":\"AA=A\"}", "/raw", "expected base64");
	refused("{\"raw\":\"====\"}", "/raw", "expected base64");
	refused("{\"raw\":\"AA AA\"}", "/raw", "expected base64");
	refused("{\"raw\":1}", "/raw", "expected base64");
}

static void enums_come_by_name_or_known_number(void **state)
{
	(void)state;
	same("{\"colour\":\"RED\",\"manyColours\":[\"NONE\",\"DEEP_BLUE\"]}");
	becomes("{\"colour\":-7}", "{\"colour\":\"DEEP_BLUE\"}");
	refused("{\"colour\":\"red\"}", "/colour", "unknown enum value");
	refused("{\"colour\":2}", "/colour", "unknown enum value");
	refused("{\"colour\":4294967297}", "/colour", "unknown enum value");
	refused("{\"colour\":1.0}", "/colour", "expected an enum name or number");
}

static void enum_values_without_a_name_are_written_as_number(void **state)
{
	Sample__Sample msg = SAMPLE__SAMPLE__INIT;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	msg.colour = (Sample__Colour)99;
	pbjson_format(&msg.base, 0, &out);
	assert_string_equal(strbuf_str(&out), "{\"colour\":99}");
	strbuf_fini(&out);
}

static void names_come_in_camel_case_or_as_declared(void **state)
{
	(void)state;
	becomes("{\"many_texts\":[\"a\"]}", "{\"manyTexts\":[\"a\"]}");
	same("{\"HostName\":\"x\",\"lowerAndUpper2x\":\"y\"}");
	becomes("{\"lower_and_Upper_2x\":\"y\"}", "{\"lowerAndUpper2x\":\"y\"}");
	refused("{\"hostName\":\"x\"}", "/hostName", "unknown field");
	refused("{\"many__texts\":[]}", "/many__texts", "unknown field");
	refused("{\"manyText\":[]}", "/manyText", "unknown field");
}

static void a_field_is_given_once(void **state)
{
	(void)state;
	refused("{\"many_texts\":[],\"manyTexts\":[]}", "/manyTexts", "field given twice");
	refused("{\"text\":\"a\",\"text\":\"b\"}", "",
		"line 1, column 18: duplicate object key near '\"text\"'");
}

static void null_is_not_set(void **state)
{
	(void)state;
	becomes("{\"text\":null,\"inner\":null,\"manyTexts\":null,\"byText\":null,\"asText\":null,"
		"\"asNumber\":3}",
		"{\"asNumber\":3}");
	refused("{\"manyTexts\":[null]}", "/manyTexts/0", "expected a string");
	refused("{\"byText\":{\"a\":null}}", "/byText/a", "expected a string");
}

static void one_member_of_a_oneof(void **state)
{
	(void)state;
	same("{\"asNumber\":0}");
	same("{\"asText\":\"\"}");
	same("{\"asInner\":{}}");
	refused("{\"asText\":\"a\",\"asNumber\":1}", "/asNumber",
		"only one of this and \"as_text\" may be set");
	refused("{\"asInner\":{\"text\":1}}", "/asInner/text", "expected a string");
}

static void maps_are_objects(void **state)
{
	(void)state;
	same("{\"byText\":{\"b\":\"1\",\"a\":\"\"}}");
	same("{\"byNumber\":{\"-5\":{\"text\":\"x\"},\"0\":{}}}");
	same("{\"byTruth\":{\"true\":1.5,\"false\":0}}");
	same("{\"byBig\":{\"18446744073709551615\":\"RED\"}}");
	becomes("{\"byText\":{}}", "{}");
	refused("{\"byText\":[]}", "/byText", "expected an object");
	refused("{\"byNumber\":{\"x\":{}}}", "/byNumber/x", "map key: expected an integer");
	refused("{\"byNumber\":{\"01\":{}}}", "/byNumber/01", "map key: expected an integer");
	refused("{\"byTruth\":{\"yes\":1}}", "/byTruth/yes",
		"map key: expected \"true\" or \"false\"");
	refused("{\"byNumber\":{\"1\":{\"txt\":1}}}", "/byNumber/1/txt", "unknown field");
}

static void a_message_named_entry_is_no_map_unless_it_is_key_and_value(void **state)
{
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err;
	const char *text = "{\"entries\":[{\"key\":\"a\",\"more\":\"b\"}]}";

	(void)state;
	assert_int_equal(pbjson_parse(&sample__holder__descriptor, text, strlen(text), &msg, &err),
			 0);
	message_freep(&msg);
	refused_by(&sample__holder__descriptor, "{\"entries\":{}}", "/entries",
		   "expected an array");
}

static void timestamps_are_rfc3339(void **state)
{
	(void)state;
	same("{\"when\":\"2026-03-04T05:06:07Z\"}");
	same("{\"when\":\"1969-12-31T23:59:59.999999999Z\"}");
	same("{\"when\":\"0001-01-01T00:00:00Z\"}");
	same("{\"when\":\"9999-12-31T23:59:59.120Z\"}");
	becomes("{\"when\":\"2024-02-29T00:30:00.5+01:00\"}",
		"{\"when\":\"2024-02-28T23:30:00.500Z\"}");

	_cleanup_(sample_freep) Sample__Sample *msg =
		parse_ok("{\"when\":\"2001-09-09T01:46:40.000001Z\"}");

	assert_int_equal(msg->when->seconds, 1000000000);
	assert_int_equal(msg->when->nanos, 1000);
}

static void times_that_do_not_exist_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-03-04",
		"2026-03-04T05:06:07",
		"2026-03-04 05:06:07Z",
		"2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00.1234567890Z",
		"2026-01-01T00:00:00+24:00",
		"0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00+01:00",
		"9999-12-31T23:59:59-01:00",
		"2026-01-01T00:00:00Zz",
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "{\"when\":\"%s\"}", bad[i]);
		refused(text, "/when", "expected a time like \"2026-03-04T05:06:07Z\"");
	}
	refused("{\"when\":{\"seconds\":1}}", "/when",
		"expected a time like \"2026-03-04T05:06:07Z\"");
}

static void pointers_name_the_exact_place(void **state)
{
	(void)state;
	refused("[]", "", "expected an object");
	refused("7", "", "expected an object");
	refused("{\"manyInners\":[{},{\"deeper\":[{\"text\":[]}]}]}", "/manyInners/1/deeper/0/text",
		"expected a string");
	refused("{\"many_inners\":{}}", "/many_inners", "expected an array");
	refused("{\"a/b~c\":1}", "/a~1b~0c", "unknown field");
	refused("{\"inner\":[]}", "/inner", "expected an object");
}

static void a_pointer_too_long_is_cut(void **state)
{
	char key[1000], text[1100];
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err;

	(void)state;
	memset(key, '~', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"%s\":1}", key);
	assert_int_equal(pbjson_parse(&sample__sample__descriptor, text, strlen(text), &msg, &err),
			 -EINVAL);
	assert_in_range(strlen(err.pointer), 250, 255);
	assert_string_equal(err.why, "unknown field");
}

static void depth_and_size_are_limited(void **state)
{
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;
	struct strbuf sb = STRBUF_INIT;
	char *big;

	(void)state;
	for (int level = 31; level <= 32; level++) { /* two brackets a level, one pair around */
		strbuf_reset(&sb);
		strbuf_add(&sb, "{\"inner\":{");
		for (int i = 0; i < level; i++)
			strbuf_add(&sb, "\"deeper\":[{");
		for (int i = 0; i < level; i++)
			strbuf_add(&sb, "}]");
		strbuf_add(&sb, "}}");
		assert_int_equal(
			pbjson_parse(&sample__sample__descriptor, sb.str, sb.len, &msg, &err),
			level == 31 ? 0 : -E2BIG);
	}
	assert_string_equal(err.why, "nested deeper than 64 levels");
	message_freep(&msg);
	strbuf_fini(&sb);

	big = xcalloc(1, PBJSON_SIZE_MAX + 1);
	memset(big, ' ', PBJSON_SIZE_MAX + 1);
	assert_int_equal(
		pbjson_parse(&sample__sample__descriptor, big, PBJSON_SIZE_MAX + 1, &msg, &err),
		-E2BIG);
	free(big);
}

static void brackets_inside_text_are_not_depth(void **state)
{
	char text[256] = "{\"text\":\"\\\"";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "[");
	strcat(text, "\"}");
	sample__sample__free_unpacked(parse_ok(text), NULL);
}

static void syntax_errors_name_line_and_column(void **state)
{
	(void)state;
	refused("{\n \"text\": }", "", "line 2, column 10: unexpected token near '}'");
	refused("{} x", "", "line 1, column 4: end of file expected near 'x'");
	refused("", "", "line 1, column 0: unexpected token near end of file");
}

static void what_is_ignored_may_have_any_shape_but_only_there(void **state)
{
	static const struct pbjson_ignore ignore[] = {
		{ "sample.Sample", "not_ours" },
		{ "sample.Inner", "other" },
		{ 0 },
	};
	const ProtobufCMessageDescriptor *desc = &sample__sample__descriptor;
	const char *good = "{\"notOurs\":[{\"x\":1}],\"inner\":{\"other\":7}}";
	const char *bad = "{\"not_ours\":1,\"inner\":{\"notOurs\":7}}";
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err;

	(void)state;
	assert_int_equal(pbjson_parse_ignoring(desc, good, strlen(good), ignore, &msg, &err), 0);
	message_freep(&msg);
	assert_int_equal(pbjson_parse_ignoring(desc, bad, strlen(bad), ignore, &msg, &err),
			 -EINVAL);
	assert_string_equal(err.pointer, "/inner/notOurs");
}

static void pretty_output_is_indented_by_two(void **state)
{
	_cleanup_(sample_freep) Sample__Sample *msg = parse_ok(
		"{\"i32\":1,\"inner\":{},\"manyTexts\":[\"a\",\"b\"],\"byText\":{\"k\":\"v\"}}");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	pbjson_format(&msg->base, PBJSON_PRETTY, &out);
	assert_string_equal(strbuf_str(&out), "{\n"
					      "  \"i32\": 1,\n"
					      "  \"inner\": {},\n"
					      "  \"manyTexts\": [\n"
					      "    \"a\",\n"
					      "    \"b\"\n"
					      "  ],\n"
					      "  \"byText\": {\n"
					      "    \"k\": \"v\"\n"
					      "  }\n"
					      "}");
	strbuf_fini(&out);
}

static void passwords_are_stars_when_asked_for(void **state)
{
	Ew__ProxyServer with = EW__PROXY_SERVER__INIT, without = EW__PROXY_SERVER__INIT;
	Ew__ProxyConfig proxy = EW__PROXY_CONFIG__INIT;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	with.user = (char *)"joe";
	with.password = (char *)"s3cret";
	without.user = (char *)"jane";
	proxy.http = &with;
	proxy.https = &without;
	pbjson_format(&proxy.base, PBJSON_STARS, &out);
	assert_string_equal(strbuf_str(&out), "{\"http\":{\"user\":\"joe\",\"password\":\"***\"},"
					      "\"https\":{\"user\":\"jane\"}}");
	strbuf_reset(&out);
	pbjson_format(&proxy.base, 0, &out);
	assert_non_null(strstr(strbuf_str(&out), "\"s3cret\""));
	strbuf_fini(&out);
}

static void defaults_are_written_when_asked_for(void **state)
{
	_cleanup_(sample_freep) Sample__Sample *msg = parse_ok("{}");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	pbjson_format(&msg->base, PBJSON_DEFAULTS, &out);
	assert_string_equal(
		strbuf_str(&out),
		"{\"i32\":0,\"s32\":0,\"sf32\":0,\"u32\":0,\"f32\":0,\"i64\":\"0\",\"s64\":\"0\","
		"\"sf64\":\"0\",\"u64\":\"0\",\"f64\":\"0\",\"single\":0,\"real\":0,\"truth\":"
		"false,"
		"\"text\":\"\",\"raw\":\"\",\"colour\":\"NONE\",\"manyNumbers\":[],\"manyTexts\":[]"
		","
		"\"manyRaws\":[],\"manyColours\":[],\"manyInners\":[],\"manyTruths\":[],\"byText\":"
		"{},"
		"\"byNumber\":{},\"byTruth\":{},\"byBig\":{},\"HostName\":\"\",\"lowerAndUpper2x\":"
		"\"\"}");
	strbuf_fini(&out);
}

/* Random messages: the bytes of a message survive the way through text. */
static uint64_t rnd(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static char *random_text(uint64_t *seed)
{
	static const char *const pieces[] = { "a",  "\"",	"\\",
					      "\n", "\xc3\xa4", "\xf0\x9f\x98\x80",
					      "/",  "\x01" };
	struct strbuf sb = STRBUF_INIT;

	for (uint64_t n = rnd(seed) % 6; n > 0; n--)
		strbuf_add(&sb, pieces[rnd(seed) % ARRAY_SIZE(pieces)]);
	return strbuf_take(&sb);
}

static Sample__Inner *random_inner(uint64_t *seed, int depth)
{
	Sample__Inner *inner = malloc(sizeof(*inner));

	sample__inner__init(inner);
	inner->text = random_text(seed);
	inner->n_deeper = depth > 0 ? rnd(seed) % 3 : 0;
	if (inner->n_deeper)
		inner->deeper = calloc(inner->n_deeper, sizeof(*inner->deeper));
	for (size_t i = 0; i < inner->n_deeper; i++)
		inner->deeper[i] = random_inner(seed, depth - 1);
	return inner;
}

static Sample__Sample *random_sample(uint64_t *seed)
{
	Sample__Sample *m = malloc(sizeof(*m));
	uint64_t bits = rnd(seed);

	sample__sample__init(m);
	m->i32 = (int32_t)rnd(seed);
	m->sf32 = (int32_t)rnd(seed);
	m->u32 = (uint32_t)rnd(seed);
	m->i64 = (int64_t)rnd(seed);
	m->u64 = rnd(seed);
	m->truth = bits & 1;
	m->text = random_text(seed);
	m->raw.len = rnd(seed) % 5;
	m->raw.data = m->raw.len ? xmemdup(&bits, m->raw.len) : NULL;
	memcpy(&m->real, &bits, sizeof(m->real));
	if (isnan(m->real))
		m->real = 0;
	m->single = (float)(int32_t)rnd(seed) / 7;
	m->colour = bits & 2 ? SAMPLE__COLOUR__DEEP_BLUE : SAMPLE__COLOUR__NONE;
	m->inner = bits & 4 ? random_inner(seed, 3) : NULL;
	if (bits & 8) {
		m->choice_case = SAMPLE__SAMPLE__CHOICE_AS_INNER;
		m->as_inner = random_inner(seed, 1);
	}
	m->n_by_text = 1;
	m->by_text = calloc(1, sizeof(*m->by_text));
	m->by_text[0] = malloc(sizeof(**m->by_text));
	sample__sample__by_text_entry__init(m->by_text[0]);
	m->by_text[0]->key = random_text(seed);
	m->by_text[0]->value = random_text(seed);
	return m;
}

static void random_messages_survive_the_round_trip(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		_cleanup_(sample_freep) Sample__Sample *msg = random_sample(&seed);
		struct strbuf text = STRBUF_INIT;
		static uint8_t was[1 << 16], now[1 << 16];

		pbjson_format(&msg->base, i % 2 ? PBJSON_PRETTY : 0, &text);

		_cleanup_(sample_freep) Sample__Sample *back = parse_ok(strbuf_str(&text));
		size_t len = sample__sample__pack(msg, was);

		assert_in_range(len, 0, sizeof(was));
		assert_int_equal(sample__sample__pack(back, now), len);
		assert_memory_equal(was, now, len);
		strbuf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_keep_their_extremes),
		cmocka_unit_test(integers_come_as_number_text_or_whole_real),
		cmocka_unit_test(integers_out_of_range_are_refused),
		cmocka_unit_test(integers_of_other_shape_are_refused),
		cmocka_unit_test(numbers_too_big_for_json_are_syntax_errors_with_a_place),
		cmocka_unit_test(reals_keep_their_value),
		cmocka_unit_test(booleans_are_only_true_and_false),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(bytes_that_are_not_utf8_do_not_reach_the_output),
		cmocka_unit_test(bytes_are_base64_of_either_alphabet),
		cmocka_unit_test(enums_come_by_name_or_known_number),
		cmocka_unit_test(enum_values_without_a_name_are_written_as_number),
		cmocka_unit_test(names_come_in_camel_case_or_as_declared),
		cmocka_unit_test(a_field_is_given_once),
		cmocka_unit_test(null_is_not_set),
		cmocka_unit_test(one_member_of_a_oneof),
		cmocka_unit_test(maps_are_objects),
		cmocka_unit_test(a_message_named_entry_is_no_map_unless_it_is_key_and_value),
		cmocka_unit_test(timestamps_are_rfc3339),
		cmocka_unit_test(times_that_do_not_exist_are_refused),
		cmocka_unit_test(pointers_name_the_exact_place),
		cmocka_unit_test(a_pointer_too_long_is_cut),
		cmocka_unit_test(depth_and_size_are_limited),
		cmocka_unit_test(brackets_inside_text_are_not_depth),
		cmocka_unit_test(syntax_errors_name_line_and_column),
		cmocka_unit_test(what_is_ignored_may_have_any_shape_but_only_there),
		cmocka_unit_test(pretty_output_is_indented_by_two),
		cmocka_unit_test(passwords_are_stars_when_asked_for),
		cmocka_unit_test(defaults_are_written_when_asked_for),
		cmocka_unit_test(random_messages_survive_the_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
