/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pac-eval: nim's helper that evaluates one PAC file, a program of foreigners, with libpacparser. Its
 * standard input is a socket: a request comes in, a reply goes out (api/bus/paceval.proto), and it
 * ends. It has given up all before it reads the first byte: it is nobody, it may use memory it has
 * room for and a second of CPU, and read and write what is open. Who started it reads from its death
 * what the file tried.
 */
#include <errno.h>
#include <pacparser.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/pac.h"
#include "base/sandbox.h"
#include "base/strbuf.h"
#include "cmd/pac-eval/ask.h"
#include "cmd/pac-eval/names.h"
#include "conntest/wire.h"
#include "paceval.pb-c.h"

#define CPU_S 1
#define MEMORY_BYTES (64u << 20)
#define FILES 16
#define SAID_MAX 65536
#define COMPLAINT_MAX 1024u /* bytes, and then its last word: more than anybody is told */

/* ---- What the engine says ---- */

static struct strbuf complaint; /* the first one, on one line, the begin of it */

/* "JSERROR: PAC script:1:\n    SyntaxError: …": what it says next is that there was one. */
static int on_complaint(const char *fmt, va_list args)
{
	static const char *const heads[] = { "JSERROR: ", "NULL:0:", "pacparser.c: " };
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	const char *rest;

	if (complaint.len || strncmp(fmt, "DEBUG:", 6) == 0 || strncmp(fmt, "WARNING:", 8) == 0)
		return 0;
	strbuf_vaddf(&text, fmt, args);
	rest = strbuf_str(&text);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (strncmp(rest, heads[i], strlen(heads[i])) == 0)
			rest += strlen(heads[i]);
	while (*(rest += strspn(rest, " \r\n")) && complaint.len < COMPLAINT_MAX) {
		size_t len = strcspn(rest, " \r\n");

		strbuf_addf(&complaint, "%s%.*s", complaint.len ? " " : "",
			    (int)(len < COMPLAINT_MAX ? len : COMPLAINT_MAX), rest);
		rest += len;
	}
	return 0;
}

/* ---- Its work ---- */

static int read_ask(struct ask *ret)
{
	_cleanup_(strbuf_fini) struct strbuf in = STRBUF_INIT;
	char part[16384];
	int frame = 0;

	while (frame == 0) {
		ssize_t n = read(STDIN_FILENO, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EINVAL;
		strbuf_addmem(&in, part, (size_t)n);
		frame = conn_wire_next((const uint8_t *)in.str, in.len);
	}
	if (frame < 0)
		return frame;
	return ask_read((const uint8_t *)in.str + CONN_WIRE_HEAD, (size_t)frame - CONN_WIRE_HEAD,
			ret);
}

static int write_reply(const Ew__PacReply *reply)
{
	_cleanup_(strbuf_fini) struct strbuf frame = STRBUF_INIT;
	size_t sent = 0;

	conn_wire_add(&reply->base, &frame);
	while (sent < frame.len) {
		ssize_t n = write(STDIN_FILENO, frame.str + sent, frame.len - sent);

		if (n < 0 && errno != EINTR)
			return -errno;
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* The host is that of the URL without brackets, as browsers hand it in. */
static void evaluate(const struct ask *ask, Ew__PacReply *reply)
{
	char own[INET6_ADDRSTRLEN];
	bool good;

	if (ipaddr_is_set(&ask->own))
		pacparser_setmyip(ipaddr_str(&ask->own, own));
	good = pacparser_parse_pac_string(ask->text);
	for (unsigned int i = 0; good && i < ask->nurls; i++) {
		const char *result = pacparser_find_proxy(ask->urls[i], ask->parsed[i].host);

		good = result != NULL;
		if (good)
			reply->results[reply->n_results++] =
				xstrndup(result, PAC_RESULT_MAX); /* one more: it was cut */
	}
	if (good)
		return;
	if (!complaint.len)
		strbuf_add(&complaint, "the engine fails without a word");
	reply->error = complaint.str;
}

static int work(void)
{
	Ew__PacReply reply = EW__PAC_REPLY__INIT;
	char *results[HTTP_URLS];
	struct ask ask;
	int r = read_ask(&ask);

	if (r < 0)
		return r;
	names_use(&ask);
	reply.results = results;
	evaluate(&ask, &reply);
	r = write_reply(&reply);
	for (size_t i = 0; i < reply.n_results; i++)
		free(results[i]);
	ask_fini(&ask);
	return r;
}

/* ---- Its limits ---- */

static void set_limit(int what, rlim_t soft, rlim_t hard)
{
	if (setrlimit((__rlimit_resource_t)what, &(struct rlimit){ soft, hard }) < 0)
		_exit(EXIT_FAILURE);
}

/* The soft limit of CPU ends it with SIGXCPU, and that tells why. */
static void set_limits(void)
{
	set_limit(RLIMIT_CPU, CPU_S, CPU_S + 1);
	set_limit(RLIMIT_NOFILE, FILES, FILES);
	set_limit(RLIMIT_CORE, 0, 0);
#ifndef __SANITIZE_ADDRESS__ /* it takes 20 TiB of addresses, and at the end clones and reports */
	set_limit(RLIMIT_NPROC, 0, 0);
	set_limit(RLIMIT_FSIZE, SAID_MAX, SAID_MAX); /* its own words go into a file in memory */
	set_limit(RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES);
#endif
}

static int give_up_rights(void)
{
	set_limits();
	return sandbox_drop_and_enter(NULL, 0);
}

int main(void)
{
	int r;

	signal(SIGPIPE, SIG_IGN);
	tzset(); /* weekdayRange() and the like: later it opens no file */
	pacparser_set_error_printer(on_complaint);
	if (!pacparser_init()) {
		fputs("pac-eval: the engine does not start\n", stderr);
		return EXIT_FAILURE;
	}
	r = give_up_rights();
	if (r < 0) {
		fprintf(stderr, "pac-eval: cannot give up its rights: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	_exit(work() < 0 ? EXIT_FAILURE
			 : EXIT_SUCCESS); /* the engine leaves its memory to the kernel */
}
