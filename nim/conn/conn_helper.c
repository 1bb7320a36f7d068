/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_helper.h"

#include "base/cleanup.h"
#include "conntest.pb-c.h"
#include "nim/conn/framed.h"

struct conn_helper {
	const struct conn_helper_ops *ops;
	void *arg;
	struct framed *helper;
	unsigned int nports;
};

static int on_frame(const uint8_t *msg, size_t len, void *arg)
{
	struct conn_helper *h = arg;
	struct conn_report report;
	int r = conn_report_read(msg, len, h->nports, &report);

	if (r < 0)
		return r;
	if (report.kind == CONN_REPORT_FAILURE)
		framed_fail(h->helper, report.text);
	else
		h->ops->report(&report, h->arg); /* we may be gone now */
	free(report.trace);
	return 0;
}

static void on_ended(const char *failure, int status, void *arg)
{
	struct conn_helper *h = arg;
	const struct conn_helper_ops *ops = h->ops;
	void *user = h->arg;

	(void)status;
	free(h);
	ops->ended(failure, user);
}

int conn_helper_start(struct event_base *base, const char *path,
		      const struct Ew__ConnRequest *request, unsigned int limit_ms,
		      const struct conn_helper_ops *ops, void *arg, struct conn_helper **ret)
{
	static const struct framed_ops mine = { .frame = on_frame, .ended = on_ended };
	const struct framed_conf conf = { .path = path,
					  .name = "the test program",
					  .request = &request->base,
					  .limit_ms = limit_ms,
					  .frames = (3 + CONN_PEERS) *
						    (unsigned int)request->n_ports };
	struct conn_helper *h = xcalloc(1, sizeof(*h));
	int r;

	*h = (struct conn_helper){ .ops = ops,
				   .arg = arg,
				   .nports = (unsigned int)request->n_ports };
	r = framed_start(base, &conf, &mine, h, &h->helper);
	if (r < 0)
		free(h);
	else
		*ret = h;
	return r;
}

struct conn_helper *conn_helper_free(struct conn_helper *h)
{
	if (!h)
		return NULL;
	framed_free(h->helper);
	free(h);
	return NULL;
}
