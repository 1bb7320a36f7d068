/* SPDX-License-Identifier: Apache-2.0 */
/* One helper (cmd/packet-capture) for each port, all at once; what it writes stays in memory. */
#include "cmd/edgeway/capture.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/mman.h>

#include "api/topics.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dump.h"
#include "cmd/edgeway/table.h"
#include "cmd/packet-capture/capture.h"
#include "status.pb-c.h"

#define LATE_S 5 /* that a helper has to come to its end */
#define STOP_MS 5000
#define WORDS_BYTES 400

struct port { /* whose packets are captured */
	struct capture *capture;
	char ifname[IF_NAMESIZE];
	struct child *child; /* NULL: it has ended */
	int file, words; /* what it writes, and says */
	int status; /* as of child_ops */
};

struct capture {
	const struct capture_conf *conf;
	struct event_base *base;
	struct event *sigterm, *sigint, *late;
	struct port ports[CAPTURE_PORTS];
	unsigned int n, running;
	bool stopping, interrupted;
};

/* ---- Which ports ---- */

struct search {
	const char *label;
	char *ifname; /* that was found, to be freed */
};

static void look_at(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		    void *arg)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(topic->desc, NULL, len, data);
	const Ew__DeviceNetworkStatus *status = (const Ew__DeviceNetworkStatus *)msg;
	struct search *search = arg;

	(void)key;
	for (size_t i = 0; status && !search->ifname && i < status->n_ports; i++)
		if (strcmp(status->ports[i]->logicallabel, search->label) == 0)
			search->ifname = xstrdup(status->ports[i]->ifname);
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
}

/* By its label if nim knows it, or the interface of that name: nim may not be there. */
static int find_port(const char *name, char ret[IF_NAMESIZE])
{
	struct table_topic topics[] = { { .topic = &ps_topic_device_network_status },
					{ .topic = NULL } };
	struct search search = { .label = name };
	const char *found;
	int r = 0;

	table_read(topics, look_at, &search);
	found = search.ifname ? search.ifname : name;
	if (strlen(found) >= IF_NAMESIZE || if_nametoindex(found) == 0)
		r = cli_fail("--capture: there is no port or interface \"%s\"", name);
	else
		strcpy(ret, found);
	free(search.ifname);
	return r;
}

static int find_ports(struct capture *c)
{
	_cleanup_(freep) char *list = xstrdup(c->conf->ports);
	char *rest = list, *name;

	while ((name = strsep(&rest, ","))) {
		struct port *port = &c->ports[c->n];

		if (c->n == CAPTURE_PORTS)
			return cli_fail("--capture: %d ports at most", CAPTURE_PORTS);
		*port = (struct port){ .capture = c, .file = -1, .words = -1 };
		if (find_port(name, port->ifname))
			return 1;
		for (unsigned int i = 0; i < c->n; i++)
			if (strcmp(c->ports[i].ifname, port->ifname) == 0)
				return cli_fail("--capture: %s twice", port->ifname);
		c->n++;
	}
	return 0;
}

/* ---- While they capture ---- */

static void stop_all(struct capture *c)
{
	c->stopping = true;
	for (unsigned int i = 0; i < c->n; i++)
		if (c->ports[i].child)
			child_stop(c->ports[i].child, STOP_MS);
}

/* Of a filter that is wrong for one port there is nothing to wait for at the others. */
static void on_exited(struct child *child, int status, void *arg)
{
	struct port *port = arg;
	struct capture *c = port->capture;

	port->child = child_free(child);
	port->status = status;
	if (--c->running == 0)
		event_base_loopbreak(c->base);
	else if (status == CAPTURE_BAD_FILTER)
		stop_all(c);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	stop_all(arg);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct capture *c = arg;

	(void)fd, (void)what;
	c->interrupted = c->stopping;
	if (c->interrupted)
		event_base_loopbreak(c->base);
	else
		stop_all(c);
}

static int start(struct port *port, const char *program)
{
	static const struct child_ops ops = { .exited = on_exited };
	const struct capture_conf *conf = port->capture->conf;
	char seconds[16], bytes[16], snap[16];
	const char *const argv[] = {
		program, port->ifname, seconds, bytes, snap, conf->filter, NULL
	};

	snprintf(seconds, sizeof(seconds), "%u", conf->seconds);
	snprintf(bytes, sizeof(bytes), "%u", conf->limit_bytes);
	snprintf(snap, sizeof(snap), "%u", conf->snap_bytes);
	port->file = memfd_create("capture", MFD_CLOEXEC);
	port->words = memfd_create("words", MFD_CLOEXEC);
	if (port->file < 0 || port->words < 0)
		return -errno;
	return child_start(port->capture->base,
			   &(struct child_conf){ .argv = argv,
						 .netns_fd = -1,
						 .log_fd = port->words,
						 .stdin_fd = port->file },
			   &ops, port, &port->child);
}

static int open_loop(struct capture *c)
{
	c->base = event_base_new();
	if (!c->base)
		return -ENOMEM;
	c->sigterm = evsignal_new(c->base, SIGTERM, on_signal, c);
	c->sigint = evsignal_new(c->base, SIGINT, on_signal, c);
	c->late = event_new(c->base, -1, 0, on_late, c);
	return c->sigterm && c->sigint && c->late && evsignal_add(c->sigterm, NULL) == 0 &&
			       evsignal_add(c->sigint, NULL) == 0 &&
			       event_add(c->late, &(struct timeval){ .tv_sec = c->conf->seconds +
									       LATE_S }) == 0
		       ? 0
		       : -ENOMEM;
}

static void announce(const struct capture *c)
{
	fputs("edgeway: captures ", stderr);
	for (unsigned int i = 0; i < c->n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", c->ports[i].ifname);
	fprintf(stderr,
		" for %u s, at most %u bytes each. What the packets carry is in the archive, "
		"passwords too where nothing encrypts them. Ctrl-C ends the capture.\n",
		c->conf->seconds, c->conf->limit_bytes);
}

static int capture(struct capture *c)
{
	_cleanup_(freep) char *program = child_program("packet-capture");
	int r = open_loop(c);

	announce(c);
	for (unsigned int i = 0; r == 0 && i < c->n; i++) {
		r = start(&c->ports[i], program);
		c->running += r == 0;
	}
	if (r < 0)
		return cli_fail("%s: %s", program, strerror(-r));
	event_base_dispatch(c->base);
	return c->interrupted ? cli_fail("interrupted: nothing is kept") : 0;
}

/* ---- What came of it ---- */

static void read_all(int fd, size_t max, struct strbuf *ret)
{
	char part[16384];
	ssize_t n;

	for (off_t at = 0; ret->len < max && (n = pread(fd, part, sizeof(part), at)) > 0; at += n)
		strbuf_addmem(ret, part, (size_t)n);
}

/* Its first line. */
static void read_words(const struct port *port, struct strbuf *ret)
{
	read_all(port->words, WORDS_BYTES, ret);
	for (size_t i = 0; i < ret->len; i++)
		if (ret->str[i] == '\n') {
			ret->str[i] = '\0';
			ret->len = i;
		} else if ((unsigned char)ret->str[i] < ' ') {
			ret->str[i] = '?';
		}
}

static void add_part(const struct port *port, const char *words, struct dump *dump)
{
	struct dump_part *part = dump_add(dump, xasprintf("capture-%s.pcap", port->ifname));

	free(part->why);
	part->why = NULL;
	read_all(port->file, CAPTURE_BYTES_MAX, &part->text);
	if (port->status == CAPTURE_WHOLE) {
		part->end = DUMP_WHOLE;
		part->why = xstrdup(words);
	} else if (port->status == CAPTURE_FULL) {
		part->end = DUMP_LARGE;
		part->why =
			xasprintf("at %u bytes, after %s", port->capture->conf->limit_bytes, words);
	} else if (port->status == -SIGKILL || port->status == -SIGTERM) {
		part->end = DUMP_LATE;
		part->why = xasprintf("stopped after %u s", port->capture->conf->seconds + LATE_S);
	} else if (port->status < 0) {
		part->end = DUMP_FAILED;
		part->why = xasprintf("ended by signal %d", -port->status);
	} else {
		part->end = DUMP_FAILED;
		part->why = xstrdup(words);
	}
}

static int collect(const struct capture *c, struct dump *dump)
{
	for (unsigned int i = 0; i < c->n; i++) {
		_cleanup_(strbuf_fini) struct strbuf words = STRBUF_INIT;

		read_words(&c->ports[i], &words);
		if (c->ports[i].status == CAPTURE_BAD_FILTER)
			return cli_fail("--filter: %s", strbuf_str(&words));
		add_part(&c->ports[i], strbuf_str(&words), dump);
	}
	return 0;
}

static void free_event(struct event *ev)
{
	if (ev)
		event_free(ev);
}

int capture_run(const struct capture_conf *conf, struct dump *dump)
{
	struct capture c = { .conf = conf };
	int r = find_ports(&c);

	if (r == 0)
		r = capture(&c);
	if (r == 0)
		r = collect(&c, dump);
	for (unsigned int i = 0; i < c.n; i++) {
		child_free(c.ports[i].child);
		closep(&c.ports[i].file);
		closep(&c.ports[i].words);
	}
	free_event(c.sigterm);
	free_event(c.sigint);
	free_event(c.late);
	if (c.base)
		event_base_free(c.base);
	return r;
}
