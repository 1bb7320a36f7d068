/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on libevent. */
#include "conntest/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/pac.h"
#include "base/strbuf.h"
#include "conntest/trace.h"
#include "conntest/trust.h"

#define BODY_MAX 65536 /* bytes of an answer that are read; then its status is enough */

struct fetcher {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

struct fetch {
	struct fetch_conf conf;
	fetch_fn *ended;
	void *arg;
	CURL *easy;
	struct curl_slist *connect_to, *resolve;
	CURLSH *names; /* with resolve: it is for this request only */
	struct trust_use use;
	struct trace_attempt trace;
	int fd; /* of the connection while curl has it; -1: none was made */
	int err; /* of bind() */
	size_t body;
	struct strbuf text_of; /* of a document */
	char text[CURL_ERROR_SIZE];
};

/* ---- One request ---- */

/* Who is not root may bind a socket to a device once (net/core/sock.c, sock_bindtoindex). The port
 * number is chosen with the connection: IP_BIND_ADDRESS_NO_PORT, ip(7). */
static int bind_socket(const struct fetch_conf *conf, int fd)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr = conf->from.v4 };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = conf->from.v6 };
	const bool is_four = conf->from.family == AF_INET;
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, conf->ifname->str,
		       sizeof(conf->ifname->str)) < 0)
		return -errno;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
		    is_four ? sizeof(four) : sizeof(six)) < 0
		       ? -errno
		       : 0;
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	struct fetch *fetch = arg;

	(void)purpose;
	fetch->fd = fd;
	fetch->err = -bind_socket(&fetch->conf, fd);
	return fetch->err ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct fetch *fetch = arg;

	(void)one;
	fetch->body += len;
	if (fetch->conf.document) {
		if (fetch->body > PAC_TEXT_MAX)
			return 0;
		strbuf_addmem(&fetch->text_of, data, len);
		return len;
	}
	return fetch->body > BODY_MAX ? 0 : len; /* 0 ends it */
}

/* Asked of a request under way; of one that has ended, how it ended tells. */
static bool is_established(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state != TCP_SYN_SENT && info.tcpi_state != TCP_CLOSE;
}

static bool has_connected(const struct fetch *fetch, CURLcode code)
{
	if (fetch->err || code == CURLE_COULDNT_CONNECT)
		return false;
	return code != CURLE_OPERATION_TIMEDOUT || is_established(fetch->fd);
}

static bool is_tls_proxy(const struct http_proxy *proxy)
{
	return proxy && proxy->kind == HTTP_PROXY_TLS;
}

static bool is_socks(const struct http_proxy *proxy)
{
	return proxy && (proxy->kind == HTTP_PROXY_SOCKS4 || proxy->kind == HTTP_PROXY_SOCKS5);
}

/* Whether it ended before the proxy had agreed, as far as that can be told. */
static bool is_at_proxy(const struct fetch *fetch, CURLcode code, long tunnel, long verify)
{
	const struct http_proxy *proxy = fetch->conf.proxy;
	bool tls = fetch->conf.parsed->tls;

	if (!proxy || code == CURLE_OK)
		return false;
	if (is_socks(proxy))
		return code == CURLE_PROXY;
	return tls ? tunnel / 100 != 2 : is_tls_proxy(proxy) && verify;
}

static const char *header(CURL *easy, const char *name)
{
	struct curl_header *found;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
										      : NULL;
}

/* In a tunnel, or by SOCKS, it is nobody but the target who speaks HTTP. */
static enum conn_maker maker_of(const struct fetch *fetch)
{
	if (fetch->conf.parsed->tls || !fetch->conf.proxy || is_socks(fetch->conf.proxy))
		return CONN_MAKER_TARGET;
	return conn_maker(header(fetch->easy, "Proxy-Status"),
			  header(fetch->easy, "X-Squid-Error"));
}

static void name_between(const struct fetch_conf *conf, char ret[CONN_ATTEMPT_NAME])
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	snprintf(ret, CONN_ATTEMPT_NAME, "%s to %s%s", ipaddr_str(&conf->from, from),
		 conf->proxy ? "proxy " : "", ipaddr_str(&conf->to, to));
}

static void describe(const struct fetch *fetch, CURLcode code, struct conn_attempt *ret)
{
	curl_off_t secured = 0;
	long status = 0, verify = 0, err = 0, tunnel = 0, proxy_verify = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(fetch->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	curl_easy_getinfo(fetch->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	curl_easy_getinfo(fetch->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &proxy_verify);
	curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &err);
	if (is_at_proxy(fetch, code, tunnel, proxy_verify))
		verify = proxy_verify;
	*ret = (struct conn_attempt){
		.number = fetch->trace.number,
		.connected = has_connected(fetch, code),
		.secured = secured > 0,
		.tls = fetch->conf.parsed->tls,
		.proxied = fetch->conf.proxy != NULL,
		.at_proxy = is_at_proxy(fetch, code, tunnel, proxy_verify),
		.tunnel = (unsigned int)tunnel,
		.status = (unsigned int)status,
		.maker = maker_of(fetch),
		.timed_out = code == CURLE_OPERATION_TIMEDOUT,
		.err = fetch->err,
		.verify = code == CURLE_PEER_FAILED_VERIFICATION ? verify : 0,
		.text = "",
	};
	if (!fetch->err && code == CURLE_COULDNT_CONNECT)
		ret->err = (int)err;
	name_between(&fetch->conf, ret->between);
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && fetch->body > BODY_MAX))
		ret->text = fetch->text[0] ? fetch->text : curl_easy_strerror(code);
}

/* What it points to lives as long as the fetch. */
static void describe_document(const struct fetch *fetch, struct conn_document *ret)
{
	char *type = NULL, *elsewhere = NULL;

	curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &elsewhere);
	*ret = (struct conn_document){ .text = strbuf_str(&fetch->text_of),
				       .len = fetch->text_of.len,
				       .too_long = fetch->body > PAC_TEXT_MAX,
				       .type = type,
				       .cache_control = header(fetch->easy, "Cache-Control"),
				       .elsewhere = elsewhere };
}

static void fetch_free(struct fetch *fetch)
{
	strbuf_fini(&fetch->text_of);
	curl_multi_remove_handle(fetch->conf.fetcher->multi, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	curl_slist_free_all(fetch->connect_to);
	curl_slist_free_all(fetch->resolve);
	if (fetch->names)
		curl_share_cleanup(fetch->names);
	free(fetch);
}

static void fetch_end(struct fetch *fetch, CURLcode code)
{
	_cleanup_(freep) char *text = NULL;
	fetch_fn *ended = fetch->ended;
	struct conn_document document;
	struct conn_attempt attempt;
	void *arg = fetch->arg;

	describe(fetch, code, &attempt);
	text = xstrdup(attempt.text);
	attempt.text = text;
	if (fetch->conf.document) {
		describe_document(fetch, &document);
		attempt.document = &document;
	}
	ended(&attempt, arg);
	fetch_free(fetch);
}

void fetch_give_up(struct fetch *fetch, struct conn_attempt *ret)
{
	describe(fetch, CURLE_OPERATION_TIMEDOUT, ret);
	ret->text = "timed out";
	fetch_free(fetch);
}

/* ---- The loop ---- */

static void take_ended(struct fetcher *f)
{
	const CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = msg->data.result;
		void *fetch = NULL;

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &fetch);
		fetch_end(fetch, code);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *f = arg;
	int running;

	(void)fd, (void)what;
	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ended(f);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *f = arg;
	int running;

	curl_multi_socket_action(f->multi, fd,
				 (what & EV_READ ? CURL_CSELECT_IN : 0) |
					 (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
				 &running);
	take_ended(f);
}

static int set_timer(CURLM *multi, long wait_ms, void *arg)
{
	const struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
	struct fetcher *f = arg;

	(void)multi;
	if (wait_ms < 0)
		event_del(f->timer);
	else
		event_add(f->timer, &wait);
	return 0;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int action, void *arg, void *mine)
{
	const short what = (short)((action & CURL_POLL_IN ? EV_READ : 0) |
				   (action & CURL_POLL_OUT ? EV_WRITE : 0));
	struct fetcher *f = arg;
	struct event *ev = mine;

	(void)easy;
	if (ev)
		event_free(ev);
	ev = NULL;
	if (action != CURL_POLL_REMOVE) {
		ev = event_new(f->base, fd, what | EV_PERSIST, on_socket, f);
		if (!ev || event_add(ev, NULL) < 0)
			abort();
	}
	curl_multi_assign(f->multi, fd, ev);
	return 0;
}

struct fetcher *fetcher_new(struct event_base *base)
{
	struct fetcher *f = xcalloc(1, sizeof(*f));

	f->base = base;
	f->multi = curl_multi_init();
	f->timer = event_new(base, -1, 0, on_timer, f);
	if (!f->multi || !f->timer)
		abort();
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return f;
}

struct fetcher *fetcher_free(struct fetcher *f)
{
	if (!f)
		return NULL;
	curl_multi_cleanup(f->multi);
	event_free(f->timer);
	free(f);
	return NULL;
}

/* ---- Start ---- */

/* curl --connect-to HOST:PORT:ADDRESS:PORT. Not --resolve: its entries would be everybody's. */
static struct curl_slist *connect_to(const struct fetch_conf *conf)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	const bool six = conf->to.family == AF_INET6;
	char to[INET6_ADDRSTRLEN];

	strbuf_addf(&line, "::%s%s%s:%u", six ? "[" : "", ipaddr_str(&conf->to, to), six ? "]" : "",
		    conf->parsed->port);
	return curl_slist_append(NULL, strbuf_str(&line));
}

/* By its name, as TLS asks for it: curl --resolve NAME:PORT:ADDRESS, for this request alone. */
static void name_proxy(struct fetch *fetch, const char *to)
{
	const struct http_url *url = &fetch->conf.proxy->url;
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "%s:%u:%s", url->host, url->port, to);
	fetch->resolve = curl_slist_append(NULL, strbuf_str(&line));
	fetch->names = curl_share_init();
	if (!fetch->resolve || !fetch->names)
		abort();
	curl_share_setopt(fetch->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_easy_setopt(fetch->easy, CURLOPT_SHARE, fetch->names);
	curl_easy_setopt(fetch->easy, CURLOPT_RESOLVE, fetch->resolve);
}

/* curl --proxy http://ADDRESS:PORT --proxy-anyauth --proxy-user USER:PASSWORD */
static void set_proxy(struct fetch *fetch)
{
	static const char *const schemes[] = {
		[HTTP_PROXY_PLAIN] = "http",	  [HTTP_PROXY_TLS] = "https",
		[HTTP_PROXY_SOCKS4] = "socks4a",  [HTTP_PROXY_SOCKS5] = "socks5h",
		[HTTP_PROXY_DIRECT] = "unknown:",
	};
	const struct http_proxy *proxy = fetch->conf.proxy;
	const bool six = fetch->conf.to.family == AF_INET6;
	_cleanup_(strbuf_fini) struct strbuf url = STRBUF_INIT;
	char to[INET6_ADDRSTRLEN];

	if (!proxy) {
		curl_easy_setopt(fetch->easy, CURLOPT_PROXY,
				 ""); /* whatever the environment says */
		return;
	}
	ipaddr_str(&fetch->conf.to, to);
	if (is_tls_proxy(proxy) && !ipaddr_is_set(&proxy->url.addr)) {
		name_proxy(fetch, to);
		strbuf_addf(&url, "https://%s:%u", proxy->url.host, proxy->url.port);
	} else {
		strbuf_addf(&url, "%s://%s%s%s:%u", schemes[proxy->kind], six ? "[" : "", to,
			    six ? "]" : "", proxy->url.port);
	}
	curl_easy_setopt(fetch->easy, CURLOPT_PROXY, strbuf_str(&url));
	curl_easy_setopt(fetch->easy, CURLOPT_NOPROXY, ""); /* as the environment's */
	if (!proxy->user[0])
		return;
	curl_easy_setopt(fetch->easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_ANY);
	curl_easy_setopt(fetch->easy, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXYUSERNAME, proxy->user);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXYPASSWORD, proxy->password);
}

static void set_options(struct fetch *fetch)
{
	CURL *easy = fetch->easy;

	curl_easy_setopt(easy, CURLOPT_URL, fetch->conf.url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	set_proxy(fetch);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, fetch->connect_to);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->conf.headers);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "edgeway");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 3600L); /* the port has the deadline */
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->text);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	trust_apply(easy, &fetch->use);
	trace_attempt_curl(&fetch->trace, easy);
}

static void begin_trace(struct fetch *fetch)
{
	char between[CONN_ATTEMPT_NAME];

	trace_attempt_begin(&fetch->trace, fetch->conf.trace);
	name_between(&fetch->conf, between);
	trace_attempt_asked(&fetch->trace, between,
			    fetch->conf.proxy ? fetch->conf.proxy->url.port
					      : fetch->conf.parsed->port,
			    fetch->conf.url);
}

struct fetch *fetch_start(const struct fetch_conf *conf, fetch_fn *ended, void *arg)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));

	fetch->conf = *conf;
	fetch->fd = -1;
	fetch->ended = ended;
	fetch->arg = arg;
	fetch->use = (struct trust_use){ .trust = conf->trust,
					 .host = conf->parsed->host,
					 .is_address = ipaddr_is_set(&conf->parsed->addr),
					 .show = conf->show_certificate,
					 .tunnel = conf->parsed->tls,
					 .trace = conf->trace ? &fetch->trace : NULL };
	if (is_tls_proxy(conf->proxy)) {
		fetch->use.proxy = conf->proxy->url.host;
		fetch->use.proxy_is_address = ipaddr_is_set(&conf->proxy->url.addr);
	}
	fetch->easy = curl_easy_init();
	if (!conf->proxy) /* who knows the way to the target itself */
		fetch->connect_to = connect_to(conf);
	if (!fetch->easy || (!conf->proxy && !fetch->connect_to))
		abort();
	begin_trace(fetch);
	set_options(fetch);
	if (curl_multi_add_handle(conf->fetcher->multi, fetch->easy) != CURLM_OK)
		abort();
	return fetch;
}
