/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/log_line.h"
#include "base/log_recent.h"

static int pipe_fd[2], saved_stderr;

static int redirect_stderr(void **state)
{
	(void)state;
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	dup2(pipe_fd[1], STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	return 0;
}

static int restore_stderr(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

/* What was written since the last call, "" when nothing. */
static const char *written(void)
{
	static char text[65536 + 1];
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* The line without time, level and daemon. */
static const char *body(void)
{
	const char *line = written(), *event = strstr(line, "event=");

	return event ? event : line;
}

static void open_log(bool json, enum log_level level)
{
	log_open(&(struct log_conf){ .name = "test", .level = level, .json = json });
}

static void line_has_time_level_daemon_and_event(void **state)
{
	const char *line;

	(void)state;
	open_log(false, LOG_LEVEL_INFO);
	log_info("port_state", "port=%s from=%s to=%s", "eth0", "down", "up");
	line = written();
	assert_int_equal(strspn(line, "ts=0123456789-:.TZ"), 27);
	assert_string_equal(line + 27,
			    " level=info daemon=test event=port_state port=eth0 from=down to=up\n");
}

static void levels_above_the_limit_are_silent_and_can_be_raised(void **state)
{
	(void)state;
	open_log(false, LOG_LEVEL_WARNING);
	log_info("a", "x=%d", 1);
	assert_string_equal(written(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a", "x=%d", 1);
	assert_string_equal(body(), "event=a x=1\n");
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
}

static void values_cannot_forge_lines_or_pairs(void **state)
{
	(void)state;
	open_log(false, LOG_LEVEL_INFO);
	log_info("e", "why=\"%s\" n=%d", "a \"b\" c=d\nlevel=error \\", 7);
	assert_string_equal(body(), "event=e why=\"a \\\"b\\\" c=d\\nlevel=error \\\\\" n=7\n");
	log_info("e", "why=%s n=%d", "x forged=1", 7);
	assert_string_equal(body(), "event=e why=\"x forged=1\" n=7\n");
	log_info("e", "why=%s", "");
	assert_string_equal(body(), "event=e why=\"\"\n");
	log_info("e", "item=%s/%s n=%d", "a b", "c\"", 7);
	assert_string_equal(body(), "event=e item=a\\x20b/c\\\" n=7\n");
	log_info("e", "%s n=%d", "a=1 b=\"2 3\"\033[31m", 7);
	assert_string_equal(body(), "event=e a=1 b=\"2 3\"\\x1b[31m n=7\n");
	log_info("e", "why=%s n=%d", "a\2 forged=1 \1b", 7);
	assert_string_equal(body(),
			    "event=e unclear=\"why=\\x01a\\x02 forged=1 \\x01b\\x02 n=7\"\n");
}

static void every_conversion_passes(void **state)
{
	(void)state;
	open_log(false, LOG_LEVEL_INFO);
	errno = ENOENT;
	log_info("e", "a=%-4s| b=%05d c=%.*s d=%%d e=%zu f=%#llx g=%c h=\"%m\" i=%5.2f", "x", 42, 2,
		 "yes", (size_t)7, 255ull, 'z', 1.5);
	assert_string_equal(body(), "event=e a=x\\x20\\x20\\x20| b=00042 c=ye d=%d e=7 f=0xff g=z "
				    "h=\"No such file or directory\" i= 1.50\n");
	assert_int_equal(errno, ENOENT);
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
	(void)state;
	open_log(false, LOG_LEVEL_INFO);
	log_info("e", "v=%s", "gr\xc3\xbc\xc3\x9f!");
	assert_string_equal(body(), "event=e v=gr\xc3\xbc\xc3\x9f!\n");
	log_info("e", "v=\"%s\"", "\xff\xc3\xed\xa0\x80\xc0\x80\xc2\x9b\xf0\x9f\x98\x80\x7f");
	assert_string_equal(body(), "event=e v=\"\\xff\\xc3\\xed\\xa0\\x80\\xc0\\x80\\xc2\\x9b"
				    "\xf0\x9f\x98\x80\\x7f\"\n");
}

static void long_lines_are_cut_and_marked(void **state)
{
	_cleanup_(freep) char *longer = xcalloc(10000, 1);
	const char *line;

	(void)state;
	open_log(false, LOG_LEVEL_INFO);
	memset(longer, 'x', 9999);
	log_info("e", "why=\"%s\" n=%d", longer, 7);
	line = written();
	assert_in_range(strlen(line), LOG_LINE_MAX - 64, LOG_LINE_MAX);
	assert_non_null(strstr(line, "x…\"\n"));
	log_info("e", "why=%s n=%d", longer, 7);
	assert_non_null(strstr(written(), "x…\n"));
}

static json_t *parsed(void)
{
	json_t *json = json_loads(written(), 0, NULL);

	assert_non_null(json);
	return json;
}

static const char *member(json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void json_mode_writes_objects_with_stable_types(void **state)
{
	json_t *json;

	(void)state;
	open_log(true, LOG_LEVEL_INFO);
	log_info("e", "s=%s d=%d neg=%d flag f=%.2f word=%s/x", "42", 42, -5, 1.25, "p");
	json = parsed();
	assert_string_equal(member(json, "level"), "info");
	assert_string_equal(member(json, "daemon"), "test");
	assert_string_equal(member(json, "event"), "e");
	assert_int_equal(strlen(member(json, "ts")), 24);
	assert_string_equal(member(json, "s"), "42"); /* a string stays one */
	assert_int_equal(json_integer_value(json_object_get(json, "d")), 42);
	assert_int_equal(json_integer_value(json_object_get(json, "neg")), -5);
	assert_true(json_is_true(json_object_get(json, "flag")));
	assert_true(json_real_value(json_object_get(json, "f")) > 1.24);
	assert_string_equal(member(json, "word"), "p/x");
	json_decref(json);
}

static void json_mode_escapes_what_json_forbids(void **state)
{
	json_t *json;

	(void)state;
	open_log(true, LOG_LEVEL_INFO);
	log_info("e", "q=\"%s\" w=%s n=%s", "a \"b\"\n\t\\ \x1b\xff ü", "\\x", "");
	json = parsed();
	assert_string_equal(member(json, "q"), "a \"b\"\n\t\\ \x1b\xc3\xbf ü");
	assert_string_equal(member(json, "w"), "\\x");
	assert_string_equal(member(json, "n"), "");
	json_decref(json);
}

static void json_lines_stay_objects_when_cut(void **state)
{
	_cleanup_(freep) char *longer = xcalloc(10000, 1);
	json_t *json;

	(void)state;
	open_log(true, LOG_LEVEL_INFO);
	memset(longer, '"', 9999);
	log_info("e", "why=%s", longer);
	json = parsed();
	assert_non_null(strstr(member(json, "why"), "…"));
	json_decref(json);
	for (int i = 0; i < 9999; i++)
		longer[i] = i % 2 ? 'x' : ' ';
	log_info("e", "%s", longer); /* thousands of flags */
	json = parsed();
	assert_true(json_is_true(json_object_get(json, "cut")));
	json_decref(json);
}

static void journal_gets_a_level_and_no_time(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	open_log(false, LOG_LEVEL_DEBUG);
	log_error("e", "n=%d", 1);
	assert_string_equal(written(), "<3>event=e n=1\n");
	log_debug("e", "n=%d", 1);
	assert_string_equal(written(), "<7>event=e n=1\n");
	setenv("JOURNAL_STREAM", "1:1", 1); /* stderr was redirected after the start */
	open_log(false, LOG_LEVEL_DEBUG);
	log_error("e", "n=%d", 1);
	assert_memory_equal(written(), "ts=", 3);
}

/* As a terminal multiplexer that hangs, or a supervisor that does not read. */
static void a_reader_that_does_not_read_stops_nobody(void **state)
{
	static const char filler[4096];
	unsigned int lost = 3;

	(void)state;
	open_log(false, LOG_LEVEL_DEBUG);
	while (write(pipe_fd[1], filler, sizeof(filler)) > 0)
		;
	assert_int_equal(fcntl(pipe_fd[1], F_SETFL, 0), 0); /* from here on a write would wait */
	alarm(10);
	for (unsigned int i = 0; i < lost; i++)
		log_info("unread", "n=%u", i);
	alarm(0);
	while (read(pipe_fd[0], (char[65536]){ 0 }, 65536) > 0)
		;
	log_info("read", "n=%d", 1);
	assert_non_null(strstr(written(), "event=log_lost lines=3\n"));
	log_info("read", "n=%d", 2);
	assert_null(strstr(written(), "log_lost"));
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, redirect_stderr, restore_stderr)

static char *recent(const struct log_recent *r)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (r)
		log_recent_print(r, out);
	else
		log_print_recent(out);
	fclose(out);
	return text;
}

static void recent_lines_are_whole_whatever_was_overwritten(void **state)
{
	struct log_recent *r = xcalloc(1, sizeof(*r));
	_cleanup_(freep) char *none = recent(r);

	(void)state;
	assert_string_equal(none, "");
	for (unsigned int n = 0; n < 5000; n++) {
		_cleanup_(freep) char *line = xasprintf("%u%*s\n", n, (int)(n * 7 % 300), "");
		_cleanup_(freep) char *text = NULL;

		log_recent_add(r, line, strlen(line));
		if (n % 100 != 0 && n > 40)
			continue;
		text = recent(r);
		assert_string_equal(text + strlen(text) - strlen(line), line);
		assert_true(n > 150 ? strlen(text) > LOG_RECENT_BYTES - 310
				    : n > 40 || text[0] == '0');
		assert_true(strlen(text) <= LOG_RECENT_BYTES && text[0] >= '0' && text[0] <= '9');
	}
	free(r);
}

static void recent_lines_are_those_that_were_written_but_debug(void **state)
{
	_cleanup_(freep) char *text = NULL;
	char *last;

	(void)state;
	open_log(false, LOG_LEVEL_DEBUG);
	log_info("first_of_two", "n=%d", 1);
	log_debug("not_remembered", "n=%d", 2);
	log_error("second_of_two", "n=%d", 3);
	text = recent(NULL);
	assert_null(strstr(text, "not_remembered"));
	last = strstr(text, "level=info daemon=");
	assert_non_null(last);
	assert_non_null(strstr(text, " event=first_of_two n=1\nts="));
	assert_string_equal(strstr(text, "event=second_of_two"), "event=second_of_two n=3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(line_has_time_level_daemon_and_event),
		test(levels_above_the_limit_are_silent_and_can_be_raised),
		test(values_cannot_forge_lines_or_pairs),
		test(every_conversion_passes),
		test(bytes_that_are_no_text_are_escaped),
		test(long_lines_are_cut_and_marked),
		test(json_mode_writes_objects_with_stable_types),
		test(json_mode_escapes_what_json_forbids),
		test(json_lines_stay_objects_when_cut),
		test(journal_gets_a_level_and_no_time),
		test(a_reader_that_does_not_read_stops_nobody),
		test(recent_lines_are_whole_whatever_was_overwritten),
		test(recent_lines_are_those_that_were_written_but_debug),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
