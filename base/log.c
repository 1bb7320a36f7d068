/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log_line.h"
#include "base/log_recent.h"

#define JSON_BODY_MAX 1900 /* so that the line with its escapes stays below LOG_LINE_MAX */

/* The one piece of global state of the suite: a log is everywhere and nowhere passed along. */
static struct {
	struct log_conf conf;
	bool journal;
	unsigned int lost; /* lines, since the last that was written */
	struct log_recent recent;
} logger = { .conf = { .name = "edgeway", .level = LOG_LEVEL_INFO } };

static const struct {
	const char *name;
	int priority; /* of syslog */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

/* systemd names the journal's socket: stderr may have been redirected since (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_open(const struct log_conf *conf)
{
	logger.conf = *conf;
	logger.journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	logger.conf.level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= logger.conf.level;
}

/* RFC 3339 in UTC with milliseconds. */
static void add_time(struct log_line *line)
{
	struct timespec now;
	char s[64];
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(s + n, sizeof(s) - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
	log_line_add(line, s);
}

static void add_origin(struct log_line *line, enum log_level level)
{
	log_line_add(line, "ts=");
	add_time(line);
	log_line_add(line, " level=");
	log_line_add(line, levels[level].name);
	log_line_add(line, " daemon=");
	log_line_add(line, logger.conf.name);
	log_line_add(line, " ");
}

static void add_logfmt_head(struct log_line *line, enum log_level level, const char *event)
{
	if (!logger.journal)
		add_origin(line, level);
	log_line_add(line, "event=");
	log_line_add(line, event);
	log_line_add(line, " ");
}

static void add_json_head(struct log_line *line, enum log_level level, const char *event)
{
	log_line_add(line, "{\"ts\":\"");
	add_time(line);
	log_line_add(line, "\",\"level\":\"");
	log_line_add(line, levels[level].name);
	log_line_add(line, "\",\"daemon\":\"");
	log_line_add(line, logger.conf.name);
	log_line_add(line, "\",\"event\":\"");
	log_line_add(line, event);
	log_line_add(line, "\"");
}

static void add_json_body(struct log_line *line, const char *fmt, va_list ap)
	__attribute__((__format__(__printf__, 2, 0)));

static void add_json_body(struct log_line *line, const char *fmt, va_list ap)
{
	size_t head_len = line->len;
	struct log_line body;

	log_line_init(&body, JSON_BODY_MAX);
	log_line_format(&body, true, fmt, ap);
	log_line_json(line, body.str);
	if (line->cut) { /* torn in the middle of a member */
		line->len = head_len;
		line->cut = false;
		log_line_add(line, ",\"cut\":true");
	}
	log_line_close(line, "}");
}

/* A full pipe that nobody reads must not stop the daemon. Of a pipe that is ready, PIPE_BUF bytes
 * can be written without waiting (pipe(7)), as much as a line may have. */
static bool stderr_takes_a_line(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) != 0;
}

static void write_line(const struct log_line *line)
{
	ssize_t n;

	if (!stderr_takes_a_line()) {
		logger.lost++;
		return;
	}
	do
		n = write(STDERR_FILENO, line->str, line->len);
	while (n < 0 && errno == EINTR);
}

static void tell_of_lost_lines(void)
{
	unsigned int lost = logger.lost;

	if (!lost || !stderr_takes_a_line())
		return;
	logger.lost = 0;
	log_warning("log_lost", "lines=%u", lost);
}

/* body: of the line, behind what is journald's alone. */
static void remember(enum log_level level, const char *body, size_t len)
{
	struct log_line origin;

	if (level == LOG_LEVEL_DEBUG)
		return;
	if (logger.journal && !logger.conf.json) {
		log_line_init(&origin, LOG_LINE_MAX);
		add_origin(&origin, level);
		log_recent_add(&logger.recent, origin.str, origin.len);
	}
	log_recent_add(&logger.recent, body, len);
}

void log_print_recent(FILE *out)
{
	log_recent_print(&logger.recent, out);
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
	int saved_errno = errno;
	struct log_line line;
	char prefix[4];
	size_t head;
	va_list ap;

	tell_of_lost_lines();
	log_line_init(&line, LOG_LINE_MAX);
	if (logger.journal) {
		snprintf(prefix, sizeof(prefix), "<%d>", levels[level].priority);
		log_line_add(&line, prefix);
	}
	head = line.len;
	va_start(ap, fmt);
	if (logger.conf.json) {
		add_json_head(&line, level, event);
		add_json_body(&line, fmt, ap);
	} else {
		add_logfmt_head(&line, level, event);
		log_line_format(&line, false, fmt, ap);
	}
	va_end(ap);
	log_line_close(&line, "\n");
	remember(level, line.str + head, line.len - head);
	write_line(&line);
	errno = saved_errno;
}
