/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conflict/acd_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "nim/arp_socket.h"
#include "nim/conflict/acd.h"

#define RETRY_MIN_MS 1000 /* when there is no descriptor or memory for the socket … */
#define RETRY_MAX_MS 60000 /* … more and more rarely */
#define ADDRS_MAX 256 /* of the node; BPF_MAXINSNS is 4096 */

struct watched {
	struct acd acd;
	uint32_t ifindex;
	struct ifname ifname;
	struct mac mac;
	bool carrier;
};

struct acd_watch {
	struct event_base *base;
	int fd; /* -1: not needed yet */
	struct event *readable, *timer;
	void (*changed)(void *arg);
	void *arg;
	struct watched list[ADDRS_MAX];
	size_t n;
	struct mono retry; /* of what the socket should be; 0: it is */
	uint32_t retry_ms;
};

/* ---- Sending ---- */

static void send_arp(const struct acd_watch *w, const struct watched *one, enum acd_send send)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETHERTYPE_ARP),
				  .sll_ifindex = (int)one->ifindex,
				  .sll_halen = ETH_ALEN };
	uint8_t packet[ACD_ARP_LEN];

	memset(to.sll_addr, 0xff, ETH_ALEN);
	acd_arp_format(send, &one->mac, one->acd.addr, packet);
	/* What cannot be sent is as good as lost on the way: there are more to come. */
	(void)!sendto(w->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&to,
		      sizeof(to));
}

static void arm(struct acd_watch *w, struct mono now)
{
	struct timeval left = { 0 };
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; w->fd >= 0 && i < w->n; i++)
		if (w->list[i].carrier && w->list[i].acd.due.ns && w->list[i].acd.due.ns < next)
			next = w->list[i].acd.due.ns;
	if (w->retry.ns && w->retry.ns < next)
		next = w->retry.ns;
	evtimer_del(w->timer);
	if (next == UINT64_MAX)
		return;
	if (next > now.ns) {
		left.tv_sec = (time_t)((next - now.ns) / 1000000000);
		left.tv_usec = (suseconds_t)((next - now.ns) / 1000 % 1000000);
	}
	evtimer_add(w->timer, &left);
}

static const char *text(const struct in_addr *addr, char buf[INET6_ADDRSTRLEN])
{
	struct ipaddr ip = ipaddr_from(AF_INET, addr);

	return ipaddr_str(&ip, buf);
}

/* True: a conflict is over. */
static bool step(struct acd_watch *w, struct mono now)
{
	char addr[INET6_ADDRSTRLEN];
	bool over = false;

	for (size_t i = 0; w->fd >= 0 && i < w->n; i++) {
		struct watched *one = &w->list[i];
		enum acd_state was = one->acd.state;
		enum acd_send send;

		if (!one->carrier || !one->acd.due.ns || one->acd.due.ns > now.ns)
			continue;
		send = acd_step(&one->acd, now);
		if (send != ACD_SEND_NOTHING)
			send_arp(w, one, send);
		if (was == ACD_CONFLICT && one->acd.state != ACD_CONFLICT) {
			log_info("address_conflict_over", "ifname=%s address=%s", one->ifname.str,
				 text(&one->acd.addr, addr));
			over = true;
		}
	}
	return over;
}

/* ---- Hearing ---- */

static bool is_ours(const struct acd_watch *w, const struct mac *mac)
{
	for (size_t i = 0; i < w->n; i++)
		if (mac_equal(&w->list[i].mac, mac))
			return true;
	return false;
}

static bool heard(struct acd_watch *w, uint32_t ifindex, const struct mac *mac, struct in_addr addr)
{
	_cleanup_(strbuf_fini) struct strbuf who = STRBUF_INIT;
	char ip[INET6_ADDRSTRLEN];
	bool news = false;

	for (size_t i = 0; i < w->n; i++) {
		struct watched *one = &w->list[i];

		if (one->ifindex != ifindex || one->acd.addr.s_addr != addr.s_addr ||
		    !acd_heard(&one->acd, mac, mono_now()))
			continue;
		mac_format(mac, &who);
		log_warning("address_conflict", "ifname=%s address=%s mac=%s", one->ifname.str,
			    text(&addr, ip), strbuf_str(&who));
		news = true;
	}
	return news;
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct acd_watch *w = arg;
	struct sockaddr_ll from = { 0 };
	socklen_t len = sizeof(from);
	uint8_t packet[ACD_ARP_LEN];
	struct in_addr addr;
	struct mac mac;
	bool news = false;
	ssize_t n;

	(void)what;
	for (int i = 0; i < 64; i++, len = sizeof(from)) { /* then others have their turn */
		n = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len);
		if (n < 0 && errno != ENETDOWN)
			break;
		if (n < 0 || from.sll_pkttype == PACKET_OTHERHOST ||
		    acd_arp_parse(packet, (size_t)n, &mac, &addr) < 0 || is_ours(w, &mac))
			continue;
		news |= heard(w, (uint32_t)from.sll_ifindex, &mac, addr);
	}
	if (!news)
		return;
	arm(w, mono_now());
	w->changed(w->arg);
}

/* ---- The socket ---- */

static struct sock_filter *filter_of(const struct acd_watch *w, size_t *ret_n)
{
	struct in_addr addrs[ADDRS_MAX];
	struct mac macs[ADDRS_MAX];
	size_t nmacs = 0;

	for (size_t i = 0; i < w->n; i++) {
		size_t k = 0;

		addrs[i] = w->list[i].acd.addr;
		while (k < nmacs && !mac_equal(&macs[k], &w->list[i].mac))
			k++;
		if (k == nmacs)
			macs[nmacs++] = w->list[i].mac;
	}
	return acd_filter(addrs, w->n, macs, nmacs, ret_n);
}

static int open_socket(struct acd_watch *w, const struct sock_filter *filter, size_t n)
{
	int fd = arp_socket_open(filter, n);

	if (fd < 0)
		return fd;
	w->fd = fd;
	w->readable = event_new(w->base, fd, EV_READ | EV_PERSIST, readable, w);
	if (!w->readable || event_add(w->readable, NULL) < 0)
		abort();
	return 0;
}

static void update_socket(struct acd_watch *w)
{
	size_t n;
	_cleanup_(freep) struct sock_filter *filter = filter_of(w, &n);
	int r = 0;

	if (w->fd >= 0)
		r = arp_socket_set_filter(w->fd, filter, n);
	else if (w->n)
		r = open_socket(w, filter, n);
	if (r == 0) {
		w->retry.ns = w->retry_ms = 0;
		return;
	}
	w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_MIN_MS;
	if (w->retry_ms > RETRY_MAX_MS)
		w->retry_ms = RETRY_MAX_MS;
	w->retry.ns = mono_now().ns + w->retry_ms * 1000000ULL;
	log_warning("address_conflict_watch", "err=%d retry_ms=%u", -r, w->retry_ms);
}

static void timer(evutil_socket_t fd, short what, void *arg)
{
	struct acd_watch *w = arg;
	struct mono now = mono_now();
	bool over;

	(void)fd, (void)what;
	if (w->retry.ns && now.ns >= w->retry.ns)
		update_socket(w);
	over = step(w, now);
	arm(w, now);
	if (over)
		w->changed(w->arg);
}

/* ---- What is watched ---- */

static const struct watched *find(const struct watched *list, size_t n, uint32_t ifindex,
				  struct in_addr addr)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == ifindex && list[i].acd.addr.s_addr == addr.s_addr)
			return &list[i];
	return NULL;
}

static void add(struct acd_watch *w, const struct nim_iface *iface, const struct prefix *p,
		const struct watched *old, size_t nold)
{
	struct watched *one = &w->list[w->n];
	const struct watched *was;

	if (p->addr.family != AF_INET || w->n == ADDRS_MAX || !iface->ifindex ||
	    !mac_is_set(&iface->mac)) /* of a modem, say: there is no ARP */
		return;
	was = find(old, nold, iface->ifindex, p->addr.v4);
	w->n++;
	*one = was ? *was : (struct watched){ .ifindex = iface->ifindex };
	if (!was || (iface->carrier && !was->carrier))
		acd_start(&one->acd, p->addr.v4, mono_now());
	one->ifname = iface->ifname;
	one->mac = iface->mac;
	one->carrier = iface->carrier;
}

static bool same(const struct watched *a, const struct watched *b)
{
	return a->ifindex == b->ifindex && a->acd.addr.s_addr == b->acd.addr.s_addr &&
	       mac_equal(&a->mac, &b->mac);
}

/* The socket is left alone in the usual case, that nothing is new. */
static bool filter_is_another(const struct acd_watch *w, const struct watched *old, size_t nold)
{
	bool equal = w->n == nold;

	for (size_t i = 0; equal && i < nold; i++)
		equal = same(&w->list[i], &old[i]);
	return !equal;
}

static void tell(const struct acd_watch *w, struct nim_iface *iface)
{
	nim_iface_clear_conflicts(iface, AF_INET);
	for (size_t i = 0; i < w->n; i++) {
		const struct watched *one = &w->list[i];
		struct ipaddr addr = ipaddr_from(AF_INET, &one->acd.addr);

		if (one->ifindex == iface->ifindex && one->acd.state == ACD_CONFLICT)
			nim_iface_set_conflict(iface, &addr, &one->acd.other);
	}
}

void acd_watch_apply(struct acd_watch *w, const struct nim_config *config, struct nim_facts *facts)
{
	size_t nold = w->n;
	_cleanup_(freep) struct watched *old = xcalloc(nold + 1, sizeof(*old));

	memcpy(old, w->list, nold * sizeof(*old));
	w->n = 0;
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_iface *iface = &facts->ifaces[i];

		for (unsigned int k = 0; k < iface->naddrs; k++)
			add(w, iface, &iface->addrs[k], old, nold);
		for (unsigned int k = 0; k < iface->nignored; k++)
			add(w, iface, &iface->ignored[k], old, nold);
	}
	if (filter_is_another(w, old, nold))
		update_socket(w);
	arm(w, mono_now());
	for (unsigned int i = 0; i < config->nports; i++)
		tell(w, &facts->ifaces[i]);
}

int acd_watch_new(struct event_base *base, void (*changed)(void *arg), void *arg,
		  struct acd_watch **ret)
{
	struct acd_watch *w = xcalloc(1, sizeof(*w));

	w->base = base;
	w->fd = -1;
	w->changed = changed;
	w->arg = arg;
	w->timer = evtimer_new(base, timer, w);
	*ret = w;
	return 0;
}

struct acd_watch *acd_watch_free(struct acd_watch *w)
{
	if (!w)
		return NULL;
	if (w->readable)
		event_free(w->readable);
	event_free(w->timer);
	arp_socket_let_go(&w->fd);
	free(w);
	return NULL;
}
