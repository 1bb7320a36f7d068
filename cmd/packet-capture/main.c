/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet-capture: writes what passes an interface to its standard input, a file, in libpcap's format.
 * Started by `edgeway netdump`. It opens the socket as who it was started, and reads from it as
 * nobody, without capabilities and with few system calls. The kernel filters; no packet is looked
 * into here.
 */
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/sandbox.h"
#include "cmd/packet-capture/capture.h"

#define FILE_HEAD 24 /* pcap-savefile(5) */
#define PACKET_HEAD 16
#define BATCH 64 /* packets between two looks at the loop */

struct capture {
	struct event_base *base;
	pcap_t *pcap;
	pcap_dumper_t *file;
	size_t limit, size; /* bytes */
	unsigned long packets;
	enum capture_end end;
};

/* What went wrong, for who reads our standard error. */
static enum capture_end complain(enum capture_end end, const char *what)
{
	fprintf(stderr, "%s\n", what);
	return end;
}

/* ---- As who we were started ---- */

static enum capture_end set_filter(struct capture *c, const char *filter)
{
	struct bpf_program code;
	int r;

	if (pcap_compile(c->pcap, &code, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return complain(CAPTURE_BAD_FILTER, pcap_geterr(c->pcap));
	r = pcap_setfilter(c->pcap, &code);
	pcap_freecode(&code);
	return r < 0 ? complain(CAPTURE_FAILED, pcap_geterr(c->pcap)) : CAPTURE_WHOLE;
}

/* Not promiscuous: that would be seen at the interface, and is not what the node receives. */
static enum capture_end open_interface(struct capture *c, const char *ifname, int snap)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	int r;

	if (if_nametoindex(ifname) == 0) /* libpcap knows names of other things */
		return complain(CAPTURE_FAILED, strerror(errno));
	c->pcap = pcap_create(ifname, why);
	if (!c->pcap)
		return complain(CAPTURE_FAILED, why);
	pcap_set_snaplen(c->pcap, snap);
	pcap_set_promisc(c->pcap, 0);
	pcap_set_immediate_mode(c->pcap, 1);
	r = pcap_activate(c->pcap);
	if (r < 0)
		return complain(CAPTURE_FAILED,
				r == PCAP_ERROR ? pcap_geterr(c->pcap) : pcap_statustostr(r));
	if (pcap_setnonblock(c->pcap, 1, why) < 0)
		return complain(CAPTURE_FAILED, why);
	return CAPTURE_WHOLE;
}

static enum capture_end open_file(struct capture *c)
{
	FILE *file = fdopen(STDIN_FILENO, "w");

	if (!file)
		return complain(CAPTURE_FAILED, strerror(errno));
	c->file = pcap_dump_fopen(c->pcap, file);
	if (!c->file)
		return complain(CAPTURE_FAILED, pcap_geterr(c->pcap));
	c->size = FILE_HEAD;
	return CAPTURE_WHOLE;
}

/* ---- As nobody ---- */

static enum capture_end drop_rights(void)
{
	static const struct sandbox_call calls[] = {
		/* libpcap reads, looks for errors of the socket, and gives its ring back */
		{ .call = SCMP_SYS(recvfrom) },
		{ .call = SCMP_SYS(getsockname) },
		{ .call = SCMP_SYS(getsockopt) },
		{ .call = SCMP_SYS(setsockopt),
		  .when = SANDBOX_ARG_IS,
		  .arg = 1,
		  .value = SOL_PACKET },
		{ .call = SCMP_SYS(ioctl),
		  .when = SANDBOX_ARG_IS,
		  .arg = 1,
		  .value = SIOCGIFFLAGS },
	};
	int r = sandbox_drop_and_enter(calls, ARRAY_SIZE(calls));

	return r < 0 ? complain(CAPTURE_FAILED, strerror(-r)) : CAPTURE_WHOLE;
}

static void stop(struct capture *c, enum capture_end end)
{
	c->end = end;
	pcap_breakloop(c->pcap);
	event_base_loopbreak(c->base);
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *head, const u_char *bytes)
{
	struct capture *c = (struct capture *)(void *)arg;

	if (c->end != CAPTURE_WHOLE)
		return;
	if (c->size + PACKET_HEAD + head->caplen > c->limit) {
		stop(c, CAPTURE_FULL);
		return;
	}
	pcap_dump((u_char *)c->file, head, bytes);
	c->size += PACKET_HEAD + head->caplen;
	c->packets++;
}

/* How many came, or less than 0: the interface is gone, or there is no more room. */
static int take(struct capture *c)
{
	int n = pcap_dispatch(c->pcap, BATCH, on_packet, (u_char *)c);

	if (n == PCAP_ERROR)
		stop(c, complain(CAPTURE_FAILED, pcap_geterr(c->pcap)));
	return c->end == CAPTURE_WHOLE ? n : -1;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	take(arg);
}

/* Time is up, or somebody has seen enough. What came before is still taken; where more comes than we
 * take, the limit ends it. */
static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct capture *c = arg;

	(void)fd, (void)what;
	while (take(c) > 0)
		continue;
	event_base_loopbreak(c->base);
}

/* Who ends us says it again and again, and what was taken is not written yet. */
static void block_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
}

static void capture(struct capture *c, unsigned int seconds)
{
	struct event *events[] = {
		event_new(c->base, pcap_get_selectable_fd(c->pcap), EV_READ | EV_PERSIST,
			  on_readable, c),
		event_new(c->base, -1, 0, on_end, c),
		evsignal_new(c->base, SIGTERM, on_end, c),
		evsignal_new(c->base, SIGINT, on_end, c),
	};
	const struct timeval end = { .tv_sec = seconds };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (!events[i] || event_add(events[i], i == 1 ? &end : NULL) < 0)
			abort();
	event_base_dispatch(c->base);
	block_signals();
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		event_free(events[i]);
}

/* How many there are, behind what went wrong if anything did; and how it ended. */
static enum capture_end tell(struct capture *c)
{
	struct pcap_stat stat = { 0 };

	if (pcap_dump_flush(c->file) < 0)
		return complain(CAPTURE_FAILED, strerror(errno));
	fprintf(stderr, "%lu packet%s", c->packets, c->packets == 1 ? "" : "s");
	if (pcap_stats(c->pcap, &stat) == 0 && stat.ps_drop)
		fprintf(stderr, ", %u lost", stat.ps_drop);
	fputc('\n', stderr);
	return c->end;
}

static void set_limits(size_t bytes)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, bytes });
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
}

int main(int argc, char *argv[])
{
	struct capture c = { .end = CAPTURE_WHOLE };
	enum capture_end end;

	if (argc != 6) {
		fputs("packet-capture is started by edgeway netdump\n", stderr);
		return CAPTURE_FAILED;
	}
	c.limit = strtoul(argv[3], NULL, 10);
	c.base = event_base_new();
	if (!c.base)
		abort();
	end = open_interface(&c, argv[1], atoi(argv[4]));
	if (end == CAPTURE_WHOLE)
		end = set_filter(&c, argv[5]);
	if (end == CAPTURE_WHOLE)
		end = open_file(&c);
	set_limits(c.limit);
	if (end == CAPTURE_WHOLE)
		end = drop_rights();
	if (end == CAPTURE_WHOLE) {
		capture(&c, (unsigned int)strtoul(argv[2], NULL, 10));
		end = tell(&c);
	}
	if (c.file)
		pcap_dump_close(c.file);
	if (c.pcap)
		pcap_close(c.pcap);
	event_base_free(c.base);
	return (int)end;
}
