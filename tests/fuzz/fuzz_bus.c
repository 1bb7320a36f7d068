/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus's sockets, real ones: bytes as a publisher sends them to a subscriber (a table, a
 * stream), as a subscriber sends them to a publisher, and as a reader of frames finds them. The
 * first byte says which. Whatever comes, the other side lives, and what it sends is well formed.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "pubsub/frame.h"
#include "status.pb-c.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ps_topic table = { "Table", "fuzz", &ew__domain_status__descriptor, PS_STATE,
				       false };
static const struct ps_topic stream = { "Stream", "fuzz", &ew__domain_status__descriptor, PS_STREAM,
					false };
static const struct ps_topic ours = { "Ours", "fuzz", &ew__domain_status__descriptor, PS_STATE,
				      false };

static struct event_base *base;
static struct ps *ps;
static int table_fd, stream_fd; /* where subscribers find their publisher: us */

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/bus/%s", scratch, name);
	return sun;
}

static int listen_as(const char *name)
{
	struct sockaddr_un sun = address(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(fd >= 0 && bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	       listen(fd, 8) == 0);
	return fd;
}

static void publish_something(void)
{
	Ew__DomainStatus status = EW__DOMAIN_STATUS__INIT;
	struct ps_pub *pub;

	assert(ps_advertise(ps, &ours, NULL, &pub) == 0);
	assert(ps_publish(pub, "one", &status.base) == 0);
	ps_publish_synced(pub);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct ps_conf conf = { .agent = "fuzz", .run_dir = scratch };

	(void)argc, (void)argv;
	scratch_make();
	base = event_base_new();
	assert(base && ps_connect(base, &conf, &ps) == 0);
	table_fd = listen_as("fuzz.Table");
	stream_fd = listen_as("fuzz.Stream");
	publish_something();
	return 0;
}

static void turn(int times)
{
	while (times-- > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void keep_nothing(uint64_t seq, uint64_t lost, const ProtobufCMessage *msg, void *arg)
{
	(void)lost, (void)arg;
	assert(seq && msg);
}

static void valid_key(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
		      void *arg)
{
	(void)arg;
	assert(ps_key_len(key) > 0 && (was || now));
}

/* A HELLO that fits goes first with every second input, or few would come far. */
static void greet(int fd, const struct ps_topic *topic)
{
	struct ps_hello hello = { .version = PS_PROTOCOL, .kind = topic->kind, .epoch = 1 };
	uint8_t buf[PS_HELLO_MAX];

	snprintf(hello.topic, sizeof(hello.topic), "%s", topic->name);
	snprintf(hello.message, sizeof(hello.message), "%s", topic->desc->name);
	snprintf(hello.agent, sizeof(hello.agent), "fuzz");
	assert(send(fd, buf, ps_hello_pack(&hello, buf), MSG_NOSIGNAL) >= 0);
}

/* The newest one: a subscriber that has had enough comes back at once. */
static int accept_last(int listen_fd)
{
	int fd = -1, next;

	while ((next = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		closep(&fd);
		fd = next;
	}
	return fd;
}

static void to_subscriber(const struct ps_topic *topic, int listen_fd, bool greeting,
			  const uint8_t *data, size_t size)
{
	static const struct ps_sub_ops ops = { .changed = valid_key, .record = keep_nothing };
	struct ps_sub *sub;
	int fd;

	assert(ps_subscribe(ps, topic, &ops, NULL, &sub) == 0);
	turn(1);
	fd = accept_last(listen_fd);
	assert(fd >= 0);
	if (greeting)
		greet(fd, topic);
	/* In two pieces: a frame may be cut anywhere. */
	if (send(fd, data, size / 2, MSG_NOSIGNAL) >= 0) {
		turn(2);
		(void)send(fd, data + size / 2, size - size / 2, MSG_NOSIGNAL);
		turn(2);
	}
	close(fd);
	turn(2);
	ps_sub_free(sub);
	fd = accept_last(listen_fd);
	closep(&fd);
}

static void check_answer(int fd)
{
	static uint8_t buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT), len;
	struct ps_frame_view frame;
	size_t need;

	for (uint8_t *p = buf; n > 0; p += len, n -= len) {
		len = ps_frame_parse(p, (size_t)n, &frame, &need);
		assert(len > 0);
	}
}

static void to_publisher(bool greeting, const uint8_t *data, size_t size)
{
	struct sockaddr_un sun = address("fuzz.Ours");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0);
	turn(1);
	if (greeting)
		greet(fd, &ours);
	if (size && send(fd, data, size, MSG_NOSIGNAL) > 0)
		turn(2);
	check_answer(fd);
	close(fd);
	turn(2);
}

static void as_frames(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *copy = xmemdup(data, size ?: 1); /* of just its length */
	struct ps_frame_view frame;
	struct ps_hello hello;
	size_t need = 0;
	ssize_t n;

	for (uint8_t *p = copy; (n = ps_frame_parse(p, size, &frame, &need)) > 0;
	     p += n, size -= (size_t)n)
		if (frame.type == PS_FRAME_HELLO)
			(void)ps_hello_unpack(&frame, &hello);
	assert(n < 0 || need > size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool greeting;

	if (size < 2)
		return 0;
	greeting = *data & 4;
	switch (*data & 3) {
	case 0:
		to_subscriber(&table, table_fd, greeting, data + 1, size - 1);
		break;
	case 1:
		to_subscriber(&stream, stream_fd, greeting, data + 1, size - 1);
		break;
	case 2:
		to_publisher(greeting, data + 1, size - 1);
		break;
	case 3:
		as_frames(data + 1, size - 1);
		break;
	}
	return 0;
}
