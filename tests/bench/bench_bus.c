/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus against bare sockets: one publisher, 1 or 16 subscriber processes, 100-byte messages.
 *
 * Latency, one message at a time: publish to decoded object in the handler, against send() and
 * recv() on a SOCK_SEQPACKET pair. Rate, as fast as it goes without a loss: packed values of
 * distinct keys into the mirror of each subscriber, against a stream of length-prefixed records
 * written in large blocks. And what a stopped subscriber does to the others' latency.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "pubsub/ps.h"
#include "status.pb-c.h"
#include "tests/bench/bench.h"

#define SUBS_MAX 16
#define PAYLOAD 100
#define ROUNDS 9
#define ROUND_MESSAGES 1000 /* latency: of one round */
#define PACE_NS 300000
#ifndef RATE_KEYS
#define RATE_KEYS 2048 /* distinct keys, published in turn */
#endif
#define RATE_MESSAGES (300 << 10)
#define RAW_BLOCK (64 << 10)
#define STOP_KEYS 16

static const struct ps_topic topic = {
	.name = "Bench",
	.agent = "bench",
	.desc = &ew__config_status__descriptor,
	.kind = PS_STATE,
};

struct slot { /* one child's, shared with it */
	_Atomic uint64_t received;
	_Atomic int ready;
	uint64_t latency_ns[ROUND_MESSAGES];
	int64_t last[STOP_KEYS]; /* publishing time of the latest value of each key */
};

struct farm { /* children of one kind */
	unsigned int n;
	pid_t pid[SUBS_MAX];
	int fd[SUBS_MAX]; /* raw: our end of each pair */
	struct slot *slots;
};

struct bus {
	char dir[32];
	struct event_base *base;
	struct ps *ps;
	struct ps_pub *pub;
};

/* ---- children ---- */

static void note_latency(struct slot *slot, uint64_t sent_ns)
{
	uint64_t i = atomic_load_explicit(&slot->received, memory_order_relaxed);

	slot->latency_ns[i % ROUND_MESSAGES] = bench_ns() - sent_ns;
	atomic_store_explicit(&slot->received, i + 1, memory_order_release);
}

static void on_changed(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
		       void *arg)
{
	const Ew__ConfigStatus *msg = (const Ew__ConfigStatus *)now;
	struct slot *slot = arg;

	(void)was;
	if (!msg)
		return;
	slot->last[(key[0] - 'a') % STOP_KEYS] = msg->applied_ms;
	note_latency(slot, (uint64_t)msg->applied_ms);
}

static void on_raw(const char *key, const void *now, size_t len, void *arg)
{
	struct slot *slot = arg;
	uint64_t i = atomic_load_explicit(&slot->received, memory_order_relaxed);

	(void)key, (void)now, (void)len;
	atomic_store_explicit(&slot->received, i + 1, memory_order_release);
}

static void on_synced(void *arg)
{
	atomic_store(&((struct slot *)arg)->ready, 1);
}

static const struct ps_sub_ops sub_ops = {
	.changed = on_changed,
	.raw = on_raw,
	.synced = on_synced,
};

static void subscriber(const char *dir, bool raw, struct slot *slot)
{
	struct ps_conf conf = { .agent = "reader", .run_dir = dir };
	struct event_base *base = event_base_new();
	struct ps_sub *sub = NULL;
	struct ps *ps = NULL;

	if (ps_connect(base, &conf, &ps) < 0 ||
	    (raw ? ps_subscribe_raw : ps_subscribe)(ps, &topic, &sub_ops, slot, &sub) < 0)
		_exit(EXIT_FAILURE);
	event_base_dispatch(base);
	_exit(EXIT_FAILURE);
}

/* Bare SEQPACKET: the first 8 bytes are the time of sending. */
static void packet_reader(int fd, struct slot *slot)
{
	char buf[PAYLOAD];
	uint64_t sent_ns;

	slot->ready = 1;
	while (recv(fd, buf, sizeof(buf), 0) > 0) {
		memcpy(&sent_ns, buf, sizeof(sent_ns));
		note_latency(slot, sent_ns);
	}
	_exit(EXIT_SUCCESS);
}

/* Bare stream of records, 4 bytes of length before each: finds their bounds, looks at each. */
static void stream_reader(int fd, struct slot *slot)
{
	static char buf[128 << 10];
	size_t have = 0;
	ssize_t n;

	slot->ready = 1;
	while ((n = recv(fd, buf + have, sizeof(buf) - have, 0)) > 0) {
		size_t at = 0, records = 0;
		uint32_t len;

		have += (size_t)n;
		for (; have - at >= sizeof(len); at += sizeof(len) + len, records++) {
			memcpy(&len, buf + at, sizeof(len));
			if (have - at < sizeof(len) + len)
				break;
		}
		memmove(buf, buf + at, have - at);
		have -= at;
		atomic_fetch_add_explicit(&slot->received, records, memory_order_release);
	}
	_exit(EXIT_SUCCESS);
}

/* ---- farms ---- */

static void wait_ready(const struct farm *f, struct bus *bus)
{
	for (unsigned int i = 0; i < f->n; i++) {
		while (!atomic_load(&f->slots[i].ready)) {
			if (bus)
				event_base_loop(bus->base, EVLOOP_NONBLOCK);
			bench_sleep_until(bench_ns() + 100000);
		}
	}
}

static struct farm raw_farm(unsigned int n, int type, void (*reader)(int fd, struct slot *slot))
{
	struct farm f = { .n = n, .slots = bench_shared(n * sizeof(struct slot)) };

	for (unsigned int i = 0; i < n; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
			bench_die("socketpair");
		f.fd[i] = pair[0];
		f.pid[i] = bench_fork();
		if (f.pid[i] == 0)
			reader(pair[1], &f.slots[i]);
		close(pair[1]);
	}
	wait_ready(&f, NULL);
	return f;
}

static struct farm bus_farm(struct bus *bus, unsigned int n, bool raw)
{
	struct farm f = { .n = n, .slots = bench_shared(n * sizeof(struct slot)) };

	for (unsigned int i = 0; i < n; i++) {
		f.pid[i] = bench_fork();
		if (f.pid[i] == 0)
			subscriber(bus->dir, raw, &f.slots[i]);
	}
	wait_ready(&f, bus);
	return f;
}

static void farm_end(struct farm *f)
{
	for (unsigned int i = 0; i < f->n; i++) {
		kill(f->pid[i], SIGKILL);
		waitpid(f->pid[i], NULL, 0);
		if (f->fd[i] > 0)
			close(f->fd[i]);
	}
}

static void farm_reset(struct farm *f)
{
	for (unsigned int i = 0; i < f->n; i++)
		f->slots[i].received = 0;
}

static void bus_start(struct bus *bus)
{
	struct ps_conf conf = { .agent = "bench", .run_dir = bus->dir };

	strcpy(bus->dir, "/tmp/bench_bus.XXXXXX");
	if (!mkdtemp(bus->dir))
		bench_die("mkdtemp");
	bus->base = event_base_new();
	errno = -ps_connect(bus->base, &conf, &bus->ps);
	if (errno)
		bench_die("ps_connect");
	errno = -ps_advertise(bus->ps, &topic, NULL, &bus->pub);
	if (errno)
		bench_die("ps_advertise");
	ps_publish_synced(bus->pub);
}

static void bus_end(struct bus *bus)
{
	_cleanup_(freep) char *sub = xasprintf("%s/bus", bus->dir);

	ps_free(bus->ps);
	event_base_free(bus->base);
	rmdir(sub);
	rmdir(bus->dir);
}

/* ---- latency ---- */

static void send_raw(struct farm *f, uint64_t now)
{
	char buf[PAYLOAD] = { 0 };

	memcpy(buf, &now, sizeof(now));
	for (unsigned int i = 0; i < f->n; i++) {
		if (send(f->fd[i], buf, sizeof(buf), MSG_NOSIGNAL) < 0)
			bench_die("send");
	}
}

static void send_bus(struct bus *bus, uint64_t now, unsigned int i)
{
	static char filler[] = "0123456789012345678901234567890123456789"
			       "012345678901234567890123456789012345678901234567";
	Ew__ConfigStatus msg = EW__CONFIG_STATUS__INIT;
	char key[2] = { (char)('a' + i % STOP_KEYS), 0 };

	msg.applied_ms = (int64_t)now; /* 1 + 9 bytes, or so */
	msg.version = filler; /* 2 + 88 bytes */
	if (ps_publish(bus->pub, key, &msg.base) < 0)
		bench_die("ps_publish");
}

/* Both publish from the same event loop at the same pace: only the way of the message differs. */
struct pace {
	struct event_base *base;
	struct farm *raw; /* or */
	struct bus *bus;
	unsigned int left;
};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pace *pace = arg;
	uint64_t ticks;

	(void)what;
	if (read(fd, &ticks, sizeof(ticks)) < 0)
		return;
	if (pace->raw)
		send_raw(pace->raw, bench_ns());
	else
		send_bus(pace->bus, bench_ns(), pace->left);
	if (--pace->left == 0)
		event_base_loopbreak(pace->base);
}

static void pace_round(struct pace *pace)
{
	const struct timespec every = { 0, PACE_NS };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct event *ev;

	if (fd < 0 || timerfd_settime(fd, 0, &(struct itimerspec){ every, every }, NULL) < 0)
		bench_die("timerfd");
	ev = event_new(pace->base, fd, EV_READ | EV_PERSIST, on_tick, pace);
	event_add(ev, NULL);
	event_base_dispatch(pace->base);
	event_free(ev);
	close(fd);
}

/* One round, one message each PACE_NS. skip: a child that is stopped, or -1. */
static void latency_round(struct farm *f, struct bus *bus, bool raw, int skip)
{
	struct pace pace = { .base = bus->base, .left = ROUND_MESSAGES };

	farm_reset(f);
	if (raw)
		pace.raw = f;
	else
		pace.bus = bus;
	pace_round(&pace);
	for (unsigned int i = 0; i < f->n; i++) {
		while ((int)i != skip && atomic_load(&f->slots[i].received) < ROUND_MESSAGES) {
			event_base_loop(bus->base, EVLOOP_NONBLOCK);
			bench_sleep_until(bench_ns() + 100000);
		}
	}
}

/* Quantile over the last round of all children but one, in µs. */
static double farm_quantile(const struct farm *f, double q, int skip)
{
	static double all[SUBS_MAX * ROUND_MESSAGES];
	size_t n = 0;

	for (unsigned int i = 0; i < f->n; i++) {
		for (size_t m = 0; (int)i != skip && m < ROUND_MESSAGES; m++)
			all[n++] = (double)f->slots[i].latency_ns[m] / 1000;
	}
	return bench_quantile(all, n, q);
}

static void bench_latency(unsigned int n, const char *name, double goal)
{
	struct bus bus = { 0 };
	struct farm raw = raw_farm(n, SOCK_SEQPACKET, packet_reader), ours;
	double raw_us[ROUNDS], our_us[ROUNDS];

	bus_start(&bus);
	ours = bus_farm(&bus, n, false);
	for (int i = -1; i < ROUNDS; i++) { /* the first warms up */
		latency_round(&raw, &bus, true, -1);
		latency_round(&ours, &bus, false, -1);
		if (i < 0)
			continue;
		raw_us[i] = farm_quantile(&raw, 0.5, -1);
		our_us[i] = farm_quantile(&ours, 0.5, -1);
	}
	bench_print(&(struct bench_result){
		.name = name,
		.unit = "us",
		.value = bench_quantile(our_us, ROUNDS, 0.5),
		.limit = bench_quantile(raw_us, ROUNDS, 0.5),
		.op = BENCH_AT_MOST,
		.goal = goal,
	});
	farm_end(&raw);
	farm_end(&ours);
	bus_end(&bus);
}

/* p99 of the 15 others with and without one subscriber stopped; which must then catch up. */
static void bench_stopped(void)
{
	struct bus bus = { 0 };
	struct farm f;
	double with_us[ROUNDS], without_us[ROUNDS];
	const int victim = SUBS_MAX - 1;

	bus_start(&bus);
	f = bus_farm(&bus, SUBS_MAX, false);
	latency_round(&f, &bus, false, -1);
	for (int i = 0; i < ROUNDS; i++) {
		latency_round(&f, &bus, false, -1);
		without_us[i] = farm_quantile(&f, 0.99, victim);
		kill(f.pid[victim], SIGSTOP);
		latency_round(&f, &bus, false, victim);
		with_us[i] = farm_quantile(&f, 0.99, victim);
		kill(f.pid[victim], SIGCONT);
		while (memcmp(f.slots[victim].last, f.slots[0].last, sizeof(f.slots[0].last)) != 0)
			event_base_loop(bus.base, EVLOOP_NONBLOCK);
	}
	bench_print(&(struct bench_result){
		.name = "bus.stopped.p99",
		.unit = "us",
		.value = bench_quantile(with_us, ROUNDS, 0.5),
		.limit = bench_quantile(without_us, ROUNDS, 0.5),
		.op = BENCH_AT_MOST,
		.goal = 1.05,
	});
	farm_end(&f);
	bus_end(&bus);
}

/* ---- rate ---- */

static void wait_received(const struct farm *f, uint64_t n)
{
	for (unsigned int i = 0; i < f->n; i++) {
		while (atomic_load(&f->slots[i].received) < n)
			bench_sleep_until(bench_ns() + 20000);
	}
}

/* Millions of deliveries a second: records gathered into blocks, a block to each in turn. */
static double rate_raw(struct farm *f)
{
	static char block[RAW_BLOCK];
	uint64_t start = bench_ns();
	uint32_t len = PAYLOAD;
	size_t used = 0;

	farm_reset(f);
	for (unsigned int m = 0; m < RATE_MESSAGES; m++) {
		memcpy(block + used, &len, sizeof(len));
		memset(block + used + sizeof(len), (int)m, PAYLOAD);
		used += sizeof(len) + PAYLOAD;
		if (used + sizeof(len) + PAYLOAD <= sizeof(block) && m + 1 < RATE_MESSAGES)
			continue;
		for (unsigned int i = 0; i < f->n; i++) {
			if (send(f->fd[i], block, used, MSG_NOSIGNAL) != (ssize_t)used)
				bench_die("send");
		}
		used = 0;
	}
	wait_received(f, RATE_MESSAGES);
	return (double)RATE_MESSAGES * f->n * 1000 / (double)(bench_ns() - start);
}

/*
 * Publishes a quarter of the keys, then lets the loop write until all subscribers together are
 * less than half of the keys behind: nobody misses a value because a newer one replaced it.
 */
static double rate_bus(struct farm *f, struct bus *bus, char (*keys)[12])
{
	uint64_t start = bench_ns(), first, merged;
	struct ps_stats stats;
	char value[PAYLOAD];

	farm_reset(f);
	ps_pub_stats(bus->pub, &stats);
	first = stats.sent;
	merged = stats.merged;
	for (unsigned int m = 0; m < RATE_MESSAGES; m++) {
		memset(value, (int)m, sizeof(value));
		memcpy(value, &start, sizeof(start));
		memcpy(value + sizeof(start), &m, sizeof(m));
		if (ps_publish_packed(bus->pub, keys[m % RATE_KEYS], value, sizeof(value)) < 0)
			bench_die("ps_publish_packed");
		if ((m + 1) % (RATE_KEYS / 4))
			continue;
		event_base_loop(bus->base, EVLOOP_NONBLOCK);
		for (;;) {
			ps_pub_stats(bus->pub, &stats);
			if ((m + 1) * (uint64_t)f->n - (stats.sent - first) < RATE_KEYS / 2)
				break;
			event_base_loop(bus->base, EVLOOP_ONCE);
		}
	}
	for (; stats.sent - first < RATE_MESSAGES * (uint64_t)f->n; ps_pub_stats(bus->pub, &stats))
		event_base_loop(bus->base, EVLOOP_ONCE);
	wait_received(f, RATE_MESSAGES);
	if (stats.merged != merged) {
		errno = EIO;
		bench_die("values were merged: not all were delivered");
	}
	return (double)RATE_MESSAGES * f->n * 1000 / (double)(bench_ns() - start);
}

static void bench_rate(void)
{
	static char keys[RATE_KEYS][12];
	struct farm raw = raw_farm(SUBS_MAX, SOCK_STREAM, stream_reader), ours;
	struct bus bus = { 0 };
	double raw_m[ROUNDS], our_m[ROUNDS];

	for (unsigned int i = 0; i < RATE_KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "key-%06u", i);
	bus_start(&bus);
	ours = bus_farm(&bus, SUBS_MAX, true);
	for (int i = -1; i < ROUNDS; i++) {
		double r = rate_raw(&raw), o = rate_bus(&ours, &bus, keys);

		if (i >= 0) {
			raw_m[i] = r;
			our_m[i] = o;
		}
	}
	bench_print(&(struct bench_result){
		.name = "bus.rate.16",
		.unit = "M/s",
		.value = bench_quantile(our_m, ROUNDS, 0.5),
		.limit = bench_quantile(raw_m, ROUNDS, 0.5),
		.op = BENCH_AT_LEAST,
		.goal = 0.5,
	});
	farm_end(&raw);
	farm_end(&ours);
	bus_end(&bus);
}

int main(void)
{
	bench_latency(1, "bus.latency.1", 1.25);
	bench_latency(16, "bus.latency.16", 1.15);
	bench_rate();
	bench_stopped();
	return EXIT_SUCCESS;
}
