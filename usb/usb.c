/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/usb.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "usb/identity.h"
#include "usb/out.h"
#include "usb/stick.h"
#include "usb/uevent.h"
#include "usb/uevent_watch.h"

#define WAITING_MAX 16
#define READ_MS 10000
#define DUMP_MS 90000 /* edgeway netdump keeps to 60 s, and packs */
#define WRITE_MS 120000 /* sticks are slow */
#define SAID_MAX 65536 /* bytes of what it says */
#define OTHER_LABEL 2 /* exit status of usb-stick */

enum usb_state {
	USB_NONE = EW__USB_STICK_STATE__USB_UNKNOWN, /* no stick */
	USB_READING = EW__USB_STICK_STATE__USB_READING, /* usb-stick looks at it */
	USB_DUMPING = EW__USB_STICK_STATE__USB_DUMPING, /* edgeway netdump runs */
	USB_WRITING = EW__USB_STICK_STATE__USB_WRITING, /* usb-stick writes to it */
	USB_DONE = EW__USB_STICK_STATE__USB_DONE, /* until it is pulled */
};

static const char *const state_names[] = { "none", "reading", "dumping", "writing", "done" };

struct usb {
	struct daemon *daemon;
	const char *identity_dir;
	char folder[PATH_MAX]; /* of our own executable and so of the others */
	char *json_path, *out_dir; /* what nim reads; what is to be written to the stick */
	struct uevent_watch *watch;
	struct ps *ps;
	struct ps_pub *pub;
	char uuid[64]; /* of the device; "": not known */

	enum usb_state state;
	struct uevent stick; /* unless USB_NONE */
	struct helper *helper;
	struct uevent waiting[WAITING_MAX];
	size_t n_waiting;
};

static void next(struct usb *usb);

static void tell(const struct usb *usb, enum usb_state state, const char *result, const char *error)
{
	Ew__UsbStickStatus msg = EW__USB_STICK_STATUS__INIT;
	int r;

	msg.device = (char *)usb->stick.devname;
	msg.state = (Ew__UsbStickState)state;
	msg.result = (char *)result;
	msg.error = (char *)error;
	r = ps_publish_usb_stick_status(usb->pub, usb->stick.devname, &msg);
	if (r < 0)
		log_error("publish_failed", "topic=UsbStickStatus err=%d", -r);
}

static void set_state(struct usb *usb, enum usb_state to, const char *result, const char *error)
{
	log_info("usb_stick", "device=%s from=%s to=%s why=\"%s\"", usb->stick.devname,
		 state_names[usb->state], state_names[to], *error ? error : result);
	usb->state = to;
	if (to != USB_NONE)
		tell(usb, to, result, error);
}

/* The first line of what a helper said before it ended badly, or what is known without. */
static const char *reason(int status, bool late, char *said)
{
	said[strcspn(said, "\n")] = '\0';
	for (char *c = said; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '"')
			*c = '?';
	return late ? "it took too long" : *said ? said : status < 0 ? "killed" : "failed";
}

/* ---- What nim reads ---- */

/* json NULL: no stick says anything. The folder alone tells nim that somebody has looked. */
static void publish(const struct usb *usb, const char *json, size_t len)
{
	_cleanup_(freep) char *dir = xasprintf("%s/usb", daemon_run_dir(usb->daemon));
	int r = dir_make(dir, 0755);

	if (r == 0 && json)
		r = file_replace_volatile(usb->json_path, json, len, 0600);
	else if (r == 0 && unlink(usb->json_path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		log_error("usb_failed", "what=\"%s\" why=\"%s\"", usb->json_path, strerror(-r));
}

/* ---- Writing ---- */

static void forget_helper(struct usb *usb)
{
	usb->helper = NULL; /* it has freed itself */
}

static int run_helper(struct usb *usb, const char *const *argv, unsigned int timeout_ms,
		      helper_done_fn *done)
{
	return helper_start(daemon_base(usb->daemon),
			    &(struct helper_conf){ .argv = argv,
						   .timeout_ms = timeout_ms,
						   .said_max = SAID_MAX,
						   .done = done,
						   .arg = usb },
			    &usb->helper);
}

static int run_stick(struct usb *usb, const char *verb, const char *last, unsigned int timeout_ms,
		     helper_done_fn *done)
{
	_cleanup_(freep) char *path = xasprintf("%s/usb-stick", usb->folder);
	_cleanup_(freep) char *numbers = xasprintf("%u:%u", usb->stick.major, usb->stick.minor);
	const char *const argv[] = { path, verb, usb->stick.devname, numbers, last, NULL };

	return run_helper(usb, argv, timeout_ms, done);
}

static void written(int status, bool late, const char *said, size_t len, void *arg)
{
	_cleanup_(freep) char *text = xmemdup(said, len + 1);
	struct usb *usb = arg;

	forget_helper(usb);
	dir_remove(usb->out_dir);
	set_state(usb, USB_DONE, status ? "read" : "written",
		  status ? reason(status, late, text) : "");
}

static void write_out(struct usb *usb)
{
	int r = run_stick(usb, "put", usb->out_dir, WRITE_MS, written);

	if (r == 0) {
		set_state(usb, USB_WRITING, "", "");
		return;
	}
	dir_remove(usb->out_dir);
	set_state(usb, USB_DONE, "read", strerror(-r));
}

static void dumped(int status, bool late, const char *said, size_t len, void *arg)
{
	_cleanup_(freep) char *text = xmemdup(said, len + 1);
	struct usb *usb = arg;

	forget_helper(usb);
	if (status)
		log_error("usb_failed", "what=\"edgeway netdump\" why=\"%s\"",
			  reason(status, late, text));
	write_out(usb); /* who we are, at least */
}

static int start_dump(struct usb *usb)
{
	_cleanup_(freep) char *path = xasprintf("%s/edgeway", usb->folder), *file = NULL;
	const char *const run_dir = daemon_run_dir(usb->daemon), *const state_dir =
									 daemon_state_dir(
										 usb->daemon);
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	file = xasprintf("%s/" STICK_DUMP "/edgeway-netdump-%s.tar.gz", usb->out_dir, stamp);
	return run_helper(usb,
			  (const char *const[]){ path, "netdump", file, "--run-dir", run_dir,
						 "--state-dir", state_dir, NULL },
			  DUMP_MS, dumped);
}

static void begin_writing(struct usb *usb, const struct stick_report *has)
{
	_cleanup_(freep) char *identity = xasprintf("%s/" STICK_IDENTITY, usb->out_dir);
	int r = usb_out_make(usb->out_dir);

	if (r == 0 && has->has_identity)
		r = identity_write(identity, usb->identity_dir, usb->uuid);
	if (r == 0 && has->has_dump)
		r = start_dump(usb);
	if (r < 0) {
		log_error("usb_failed", "what=\"%s\" why=\"%s\"", usb->out_dir, strerror(-r));
		dir_remove(usb->out_dir);
		set_state(usb, USB_DONE, "read", strerror(-r));
	} else if (has->has_dump) {
		set_state(usb, USB_DUMPING, "", "");
	} else {
		write_out(usb);
	}
}

/* ---- Reading ---- */

static void take(struct usb *usb, const struct stick_report *has)
{
	publish(usb, has->json, has->json_len);
	if (has->has_dump || has->has_identity)
		begin_writing(usb, has);
	else
		set_state(usb, USB_DONE, has->json ? "read" : "there is nothing on it", "");
}

static void were_read(int status, bool late, const char *said, size_t len, void *arg)
{
	_cleanup_(freep) char *text = xmemdup(said, len + 1);
	struct stick_report has;
	struct usb *usb = arg;

	forget_helper(usb);
	if (status == 0 && stick_parse_report(said, len, &has) == 0) {
		take(usb, &has);
		return;
	}
	if (status != OTHER_LABEL) {
		const char *why = reason(status, late, text);

		log_error("usb_failed", "what=\"%s\" why=\"%s\"", usb->stick.devname, why);
		tell(usb, USB_DONE, "", why);
	}
	usb->state = USB_NONE;
	next(usb);
}

static void read_stick(struct usb *usb, const struct uevent *stick)
{
	bool named = strcmp(stick->partname, STICK_PARTNAME) == 0;
	int r;

	usb->stick = *stick;
	r = run_stick(usb, "read", named ? NULL : STICK_LABEL, READ_MS, were_read);
	if (r == 0)
		usb->state = USB_READING;
	else
		log_error("usb_failed", "what=\"usb-stick\" why=\"%s\"", strerror(-r));
}

/* The next one that waits; none: nobody says anything any more. */
static void next(struct usb *usb)
{
	while (usb->state == USB_NONE && usb->n_waiting) {
		struct uevent stick = usb->waiting[0];

		usb->n_waiting--;
		memmove(&usb->waiting[0], &usb->waiting[1], usb->n_waiting * sizeof(stick));
		read_stick(usb, &stick);
	}
	if (usb->state == USB_NONE)
		publish(usb, NULL, 0);
}

/* ---- What comes and goes ---- */

static bool is_same(const struct uevent *a, const struct uevent *b)
{
	return a->major == b->major && a->minor == b->minor &&
	       strcmp(a->devname, b->devname) == 0 && strcmp(a->partname, b->partname) == 0;
}

static void drop_waiting(struct usb *usb, const struct uevent *gone)
{
	size_t n = 0;

	for (size_t i = 0; i < usb->n_waiting; i++)
		if (usb->waiting[i].major != gone->major || usb->waiting[i].minor != gone->minor)
			usb->waiting[n++] = usb->waiting[i];
	usb->n_waiting = n;
}

static void pulled(struct usb *usb)
{
	usb->helper = helper_free(usb->helper);
	dir_remove(usb->out_dir);
	set_state(usb, USB_NONE, "pulled", "");
	next(usb);
}

static void gone(struct usb *usb, const struct uevent *event)
{
	drop_waiting(usb, event);
	ps_unpublish(usb->pub, event->devname);
	if (usb->state != USB_NONE && usb->stick.major == event->major &&
	    usb->stick.minor == event->minor)
		pulled(usb);
}

static void came(struct usb *usb, const struct uevent *event)
{
	/* Of partitions with a name only ours; the label of others is read. */
	if (event->partname[0] && strcmp(event->partname, STICK_PARTNAME) != 0)
		return;
	if (usb->state != USB_NONE && is_same(&usb->stick, event))
		return;
	drop_waiting(usb, event);
	if (usb->n_waiting == WAITING_MAX) {
		log_error("usb_failed", "what=\"%s\" why=\"%d others wait\"", event->devname,
			  WAITING_MAX);
		return;
	}
	usb->waiting[usb->n_waiting++] = *event;
	if (usb->state == USB_NONE)
		next(usb);
}

static bool is_there(const struct uevent *stick)
{
	_cleanup_(freep) char *path = xasprintf("/sys/dev/block/%u:%u", stick->major, stick->minor);

	return access(path, F_OK) == 0;
}

static void on_uevent(const struct uevent *event, void *arg)
{
	struct usb *usb = arg;

	if (!event) { /* the scan that follows finds those that wait */
		usb->n_waiting = 0;
		if (usb->state != USB_NONE && !is_there(&usb->stick))
			gone(usb, &usb->stick);
	} else if (event->action == UEVENT_REMOVE) {
		gone(usb, event);
	} else {
		came(usb, event);
	}
}

/* ---- Life ---- */

static void device_changed(const char *key, const Ew__ConfigStatus *was,
			   const Ew__ConfigStatus *now, void *arg)
{
	struct usb *usb = arg;

	(void)key, (void)was;
	if (now)
		snprintf(usb->uuid, sizeof(usb->uuid), "%s", now->uuid);
}

static int open_bus(struct usb *usb)
{
	static const struct ps_config_status_ops ops = { .changed = device_changed };
	const struct ps_conf conf = { .agent = "usb-config",
				      .run_dir = daemon_run_dir(usb->daemon),
				      .state_dir = daemon_state_dir(usb->daemon) };
	struct ps_sub *sub; /* usb->ps frees it */
	int r = ps_connect(daemon_base(usb->daemon), &conf, &usb->ps);

	if (r == 0)
		r = ps_advertise_usb_stick_status(usb->ps, NULL, &usb->pub);
	return r < 0 ? r : ps_subscribe_config_status(usb->ps, &ops, usb, &sub);
}

static int find_folder(struct usb *usb)
{
	ssize_t n = readlink("/proc/self/exe", usb->folder, sizeof(usb->folder) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	usb->folder[n] = '\0';
	slash = strrchr(usb->folder, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

int usb_new(struct daemon *d, const struct usb_options *options, struct usb **ret)
{
	struct usb *usb = xcalloc(1, sizeof(*usb));
	int r;

	usb->daemon = d;
	usb->identity_dir = options->identity_dir ? options->identity_dir : USB_IDENTITY_DIR;
	usb->json_path = xasprintf("%s/usb/" STICK_JSON, daemon_run_dir(d));
	usb->out_dir = xasprintf("%s/usb-out", daemon_run_dir(d));
	dir_remove(usb->out_dir); /* of a run that was killed */
	r = find_folder(usb);
	if (r == 0)
		r = open_bus(usb);
	if (r == 0)
		r = uevent_watch_new(daemon_base(d), on_uevent, usb, &usb->watch);
	if (r < 0) {
		log_error("start_failed", "err=%d", -r);
		usb_free(usb);
		return r;
	}
	uevent_watch_scan(usb->watch);
	next(usb);
	ps_publish_synced(usb->pub);
	daemon_ready(d, "waits for sticks");
	*ret = usb;
	return 0;
}

struct usb *usb_free(struct usb *usb)
{
	if (!usb)
		return NULL;
	helper_free(usb->helper);
	uevent_watch_free(usb->watch);
	ps_free(usb->ps);
	dir_remove(usb->out_dir);
	free(usb->json_path);
	free(usb->out_dir);
	free(usb);
	return NULL;
}
