/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn-test: nim's helper that tests what the ports reach (conntest/port.h). Its standard input is
 * a socket: one request comes in, reports go out as they are known (conntest/wire.h), and it ends
 * when all is told or nobody listens any more. It reads keys as who it was started, and talks to
 * the network as nobody, without capabilities, and with few system calls left (limits.h).
 */
#include <ares.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "conntest/fetch.h"
#include "conntest/limits.h"
#include "conntest/request.h"
#include "conntest/trace.h"
#include "conntest/trust.h"
#include "conntest/wire.h"

struct program {
	struct event_base *base;
	struct fetcher *fetcher;
	struct trust *trust;
	struct request request;
	struct port {
		struct program *program;
		struct port_test *test;
		struct pac_fetch *pac; /* instead of test */
		struct trust *trust; /* NULL: that of all */
		struct trace *trace; /* of what is done for it */
	} ports[REQUEST_PORTS];
	unsigned int left; /* ports that have not ended */
};

/* ---- Out ---- */

/* Nobody may listen any more: then p->base, if it runs, ends. */
static void send_report(const struct program *p, Ew__ConnReport *report)
{
	_cleanup_(strbuf_fini) struct strbuf frame = STRBUF_INIT;
	size_t sent = 0;

	conn_wire_add(&report->base, &frame);
	while (sent < frame.len) {
		ssize_t n = send(STDIN_FILENO, frame.str + sent, frame.len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (p->base)
				event_base_loopbreak(p->base);
			return;
		}
		sent += (size_t)n;
	}
}

static void on_verdict(const struct conn_result *result, const struct port_target *target,
		       const struct http_proxy *proxy, void *arg)
{
	_cleanup_(strbuf_fini) struct strbuf name = STRBUF_INIT;
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnVerdict verdict = EW__CONN_VERDICT__INIT;
	struct port *port = arg;

	verdict.outcome = (Ew__TestOutcome)result->outcome;
	verdict.stage = (Ew__TestStage)result->stage;
	verdict.latency_ms = result->latency_ms;
	verdict.why = (char *)(uintptr_t)result->why;
	verdict.trace = (char *)(uintptr_t)trace_text(port->trace);
	if (target)
		verdict.target = target->url;
	if (proxy) {
		http_proxy_name(proxy->kind, proxy->url.host, proxy->url.port, &name);
		verdict.proxy = name.str;
	}
	report.port = (uint32_t)(port - port->program->ports);
	report.said_case = EW__CONN_REPORT__SAID_VERDICT;
	report.verdict = &verdict;
	send_report(port->program, &report);
}

static void on_peer(const struct ipaddr *addr, uint16_t number, void *arg)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnPeer peer = EW__CONN_PEER__INIT;
	char text[INET6_ADDRSTRLEN];
	struct port *port = arg;

	ipaddr_str(addr, text);
	peer.address = text;
	peer.port = number;
	report.port = (uint32_t)(port - port->program->ports);
	report.said_case = EW__CONN_REPORT__SAID_PEER;
	report.peer = &peer;
	send_report(port->program, &report);
}

static void on_warning(const char *text, void *arg)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	struct port *port = arg;

	report.port = (uint32_t)(port - port->program->ports);
	report.said_case = EW__CONN_REPORT__SAID_WARNING;
	report.warning = (char *)(uintptr_t)text;
	send_report(port->program, &report);
}

/* The last of the port: with what was done after the verdict. */
static void send_trace(struct port *port)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;

	report.port = (uint32_t)(port - port->program->ports);
	report.said_case = EW__CONN_REPORT__SAID_TRACE;
	report.trace = (char *)(uintptr_t)trace_text(port->trace);
	send_report(port->program, &report);
}

static void end_port(struct port *port)
{
	port->test = port_test_free(port->test);
	port->pac = pac_fetch_free(port->pac);
	if (--port->program->left == 0)
		event_base_loopbreak(port->program->base);
}

static void on_ended(void *arg)
{
	send_trace(arg);
	end_port(arg);
}

static Ew__PacName *name_message(const struct pac_fetch_name *name)
{
	Ew__PacName *msg = xcalloc(1, sizeof(*msg));
	char text[INET6_ADDRSTRLEN];

	ew__pac_name__init(msg);
	msg->name = xstrdup(name->name);
	msg->addresses = xcalloc(name->naddrs + 1, sizeof(char *));
	for (unsigned int i = 0; i < name->naddrs; i++)
		msg->addresses[msg->n_addresses++] = xstrdup(ipaddr_str(&name->addrs[i], text));
	return msg;
}

static void on_fetched(const struct pac_fetched *file, void *arg)
{
	Ew__ConnReport *report = xcalloc(1, sizeof(*report));
	Ew__ConnPacFile *msg = xcalloc(1, sizeof(*msg));
	struct port *port = arg;

	ew__conn_report__init(report);
	ew__conn_pac_file__init(msg);
	report->port = (uint32_t)(port - port->program->ports);
	report->said_case = EW__CONN_REPORT__SAID_PAC_FILE;
	report->pac_file = msg;
	msg->text.data = (uint8_t *)xstrndup(file->text, file->len);
	msg->text.len = file->len;
	msg->url = file->url;
	msg->max_age_s = file->max_age_s;
	msg->names = xcalloc(file->nnames + 1, sizeof(Ew__PacName *));
	for (unsigned int i = 0; i < file->nnames; i++)
		if (file->names[i].naddrs)
			msg->names[msg->n_names++] = name_message(&file->names[i]);
	send_report(port->program, report);
	ew__conn_report__free_unpacked(report, NULL);
	end_port(port);
}

static void on_not_fetched(const struct conn_result *failure, void *arg)
{
	on_verdict(failure, NULL, NULL, arg);
	send_trace(arg);
	end_port(arg);
}

static int give_up(const struct program *p, int err, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

static int give_up(const struct program *p, int err, const char *fmt, ...)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&why, fmt, ap);
	va_end(ap);
	report.said_case = EW__CONN_REPORT__SAID_FAILURE;
	report.failure = why.str;
	send_report(p, &report);
	return err;
}

/* ---- In ---- */

/* The whole first frame; it is short, and who writes it writes all of it. NULL: it never came. */
static Ew__ConnRequest *read_request(void)
{
	_cleanup_(strbuf_fini) struct strbuf in = STRBUF_INIT;
	char part[4096];
	int frame = 0;

	while (frame == 0) {
		ssize_t n = read(STDIN_FILENO, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL;
		strbuf_addmem(&in, part, (size_t)n);
		frame = conn_wire_next((const uint8_t *)in.str, in.len);
	}
	if (frame < 0)
		return NULL;
	return ew__conn_request__unpack(NULL, (size_t)frame - CONN_WIRE_HEAD,
					(const uint8_t *)in.str + CONN_WIRE_HEAD);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/*
 * All ports trust the same, but for those whose proxy looks into TLS. One whose proxy has no usable
 * certificate is tested without: it fails by itself.
 */
static int open_trusts(struct program *p, const Ew__ConnRequest *msg)
{
	const struct trust_files files = { .roots_file = or_null(msg->roots_file),
					   .cert_file = or_null(msg->cert_file),
					   .key_file = or_null(msg->key_file) };
	const char *bad = "";
	int r = trust_new(&files, &p->trust, &bad);

	if (r < 0)
		return give_up(p, r, "%s: not PEM, or not to be read", bad);
	for (unsigned int i = 0; i < p->request.nports; i++) {
		const char *ca_pem = msg->ports[i]->ca_pem;
		struct port *port = &p->ports[i];

		p->request.ports[i].trust = p->trust;
		if (!*ca_pem || trust_new(&files, &port->trust, &bad) < 0)
			continue;
		if (trust_add(port->trust, ca_pem) == 0)
			p->request.ports[i].trust = port->trust;
	}
	return 0;
}

/* What needs the rights we were started with, and then no more of these. */
static int prepare(struct program *p, const Ew__ConnRequest *msg)
{
	int r = open_trusts(p, msg);

	if (r < 0)
		return r;
	r = conn_limit_calls();
	return r < 0 ? give_up(p, r, "cannot drop privileges: %s", strerror(-r)) : 0;
}

/* ---- The round ---- */

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;
	char byte;

	(void)what;
	if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) <= 0)
		event_base_loopbreak(p->base);
}

static void begin_port(struct program *p, unsigned int i)
{
	static const struct pac_fetch_ops fetch_ops = { .fetched = on_fetched,
							.failed = on_not_fetched };
	static const struct port_ops ops = {
		.verdict = on_verdict, .peer = on_peer, .warning = on_warning, .ended = on_ended
	};

	struct port_conf *conf = &p->request.ports[i];
	struct pac_fetch_conf *pac = p->request.pacs[i];
	struct port *port = &p->ports[i];

	conf->base = p->base;
	conf->fetcher = p->fetcher;
	conf->trace = port->trace = trace_new(mono_now());
	port->program = p;
	if (pac) {
		pac->port = *conf;
		port->pac = pac_fetch_start(pac, &fetch_ops, port);
		return;
	}
	conf->targets = p->request.targets;
	conf->ntargets = p->request.ntargets;
	port->test = port_test_start(conf, &ops, port);
}

static void begin(struct program *p)
{
	p->left = p->request.nports;
	for (unsigned int i = 0; i < p->request.nports; i++)
		begin_port(p, i);
}

static int run(struct program *p)
{
	struct event *hangup;
	int r = 0;

	p->base = event_base_new();
	if (!p->base)
		abort();
	hangup = event_new(p->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_hangup, p);
	if (!hangup || event_add(hangup, NULL) < 0)
		abort();
	p->fetcher = fetcher_new(p->base);
	begin(p);
	if (p->left && event_base_dispatch(p->base) < 0)
		r = -EIO;
	for (unsigned int i = 0; i < p->request.nports; i++) {
		port_test_free(p->ports[i].test);
		pac_fetch_free(p->ports[i].pac);
	}
	fetcher_free(p->fetcher);
	event_free(hangup);
	event_base_free(p->base);
	return r;
}

int main(void)
{
	static struct program program;
	Ew__ConnRequest *msg = read_request();
	int r;

	if (!msg) {
		fputs("conn-test is started by nim, with a request\n", stderr);
		return EXIT_FAILURE;
	}
	conn_limit_resources();
	signal(SIGPIPE, SIG_IGN);
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	r = request_load(msg, &program.request);
	if (r < 0)
		give_up(&program, r, "the request is none");
	if (r == 0)
		r = prepare(&program, msg);
	if (r == 0)
		r = run(&program);
	for (unsigned int i = 0; i < program.request.nports; i++) {
		trust_free(program.ports[i].trust);
		trace_free(program.ports[i].trace);
	}
	trust_free(program.trust);
	request_fini(&program.request);
	ew__conn_request__free_unpacked(msg, NULL);
	curl_global_cleanup();
	ares_library_cleanup();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
