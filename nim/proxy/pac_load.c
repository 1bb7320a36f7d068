/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/pac_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "conntest.pb-c.h"
#include "nim/conn/conn_helper.h"
#include "nim/conn/framed.h"

struct pac_load {
	pac_load_fn *done;
	void *arg;
	struct framed *helper;
	unsigned int nurls;
	/* Its failure: CONN_UNTESTED: it has not begun; without why: it has not said. */
	struct pac_report said;
};

/* ---- What it says ---- */

static bool is_name(const Ew__PacName *name)
{
	struct ipaddr addr;

	for (size_t i = 0; i < name->n_addresses; i++)
		if (ipaddr_parse(name->addresses[i], &addr) < 0)
			return false;
	return strlen(name->name) < HTTP_URL_MAX;
}

static bool is_file(const Ew__ConnPacFile *file, unsigned int nurls)
{
	const ProtobufCBinaryData *text = &file->text;

	for (size_t i = 0; i < file->n_names; i++)
		if (!is_name(file->names[i]))
			return false;
	if (!nurls)
		return !text->len;
	return file->url < nurls && text->len && text->len <= PAC_TEXT_MAX &&
	       !memchr(text->data, '\0', text->len);
}

static int read_failure(const struct conn_report *report, struct pac_report *ret)
{
	switch (report->kind) {
	case CONN_REPORT_VERDICT:
		if (report->result.outcome == CONN_OK) {
			free(report->trace);
			return -EBADMSG;
		}
		ret->failure = report->result;
		free(ret->trace);
		ret->trace = report->trace;
		return 0;
	case CONN_REPORT_FAILURE:
		ret->failure =
			(struct conn_result){ .outcome = CONN_UNTESTED }; /* no fault of the port */
		memcpy(ret->failure.why, report->text, sizeof(ret->failure.why));
		return 0;
	case CONN_REPORT_TRACE:
		free(ret->trace);
		ret->trace = report->trace;
		return 0;
	case CONN_REPORT_WARNING:
	case CONN_REPORT_PEER:
		break;
	}
	return -EBADMSG;
}

static int read_file(Ew__ConnReport *report, unsigned int nurls, struct pac_report *ret)
{
	if (report->port || ret->file || !is_file(report->pac_file, nurls))
		return -EBADMSG;
	ret->file = take_ptr(report->pac_file);
	return 0;
}

int pac_report_read(const uint8_t *msg, size_t len, unsigned int nurls, struct pac_report *ret)
{
	Ew__ConnReport *report = ew__conn_report__unpack(NULL, len, msg);
	struct conn_report other;
	int r;

	if (!report)
		return -EBADMSG;
	if (report->said_case == EW__CONN_REPORT__SAID_PAC_FILE && report->pac_file)
		r = read_file(report, nurls, ret);
	else
		r = conn_report_read(msg, len, 1, &other) < 0 ? -EBADMSG
							      : read_failure(&other, ret);
	ew__conn_report__free_unpacked(report, NULL);
	return r;
}

static int on_frame(const uint8_t *msg, size_t len, void *arg)
{
	struct pac_load *l = arg;

	return pac_report_read(msg, len, l->nurls, &l->said);
}

/* ---- Its life ---- */

static void on_ended(const char *failure, int status, void *arg)
{
	struct pac_load *l = arg;
	Ew__ConnPacFile *file = take_ptr(l->said.file);
	struct conn_result *why = &l->said.failure;

	(void)status;
	l->helper = NULL;
	if (!file && why->outcome == CONN_UNTESTED && !why->why[0])
		snprintf(why->why, sizeof(why->why), "%s",
			 failure ? failure : "the test program says nothing of the PAC file");
	l->done(file, file ? NULL : why, l->said.trace ? l->said.trace : "", l->arg);
	pac_load_free(l);
}

/* What fetching needs, and no more: neither key nor targets, to which the key would be shown. */
static struct framed *start(struct pac_load *l, struct event_base *base, const char *path,
			    const struct Ew__ConnRequest *request, int *ret)
{
	static const struct framed_ops ops = { .frame = on_frame, .ended = on_ended };
	Ew__ConnRequest asked = EW__CONN_REQUEST__INIT;
	Ew__ConnPac pac = *request->ports[0]->pac;
	Ew__ConnPort port = *request->ports[0], *ports[] = { &port };
	const struct framed_conf conf = { .path = path,
					  .name = "the test program",
					  .request = &asked.base,
					  .limit_ms = request->deadline_ms + CONN_HELPER_MORE_MS,
					  .frames = 2 };
	struct framed *helper = NULL;

	pac.text = (ProtobufCBinaryData){ 0 };
	pac.n_servers = 0;
	port.pac = &pac;
	asked.ports = ports;
	asked.n_ports = 1;
	asked.deadline_ms = request->deadline_ms;
	asked.roots_file = request->roots_file;
	*ret = framed_start(base, &conf, &ops, l, &helper);
	return helper;
}

int pac_load_start(struct event_base *base, const char *path, const struct Ew__ConnRequest *request,
		   pac_load_fn *done, void *arg, struct pac_load **ret)
{
	struct pac_load *l = xcalloc(1, sizeof(*l));
	int r;

	l->done = done;
	l->arg = arg;
	l->nurls = (unsigned int)request->ports[0]->pac->n_urls;
	l->helper = start(l, base, path, request, &r);
	if (r < 0)
		free(l);
	else
		*ret = l;
	return r;
}

struct pac_load *pac_load_free(struct pac_load *l)
{
	if (!l)
		return NULL;
	framed_free(l->helper);
	if (l->said.file)
		ew__conn_pac_file__free_unpacked(l->said.file, NULL);
	free(l->said.trace);
	free(l);
	return NULL;
}
