/* SPDX-License-Identifier: Apache-2.0 */
/* From run to run. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/upstream/upstream_kept.h"
#include "nim/upstream/upstream_state.h"

void upstream_load_kept(struct upstream *up)
{
	up->path = xasprintf("%s/nim/upstreams", up->conf.run_dir);
	up->kept = upstream_kept_load(up->path, &up->nkept);
}

static struct upstream_kept *find_kept(const struct upstream *up, unsigned int port, int family)
{
	for (size_t k = 0; k < up->nkept; k++)
		if (up->kept[k].family == family &&
		    strcmp(up->kept[k].label, up->ports[port]->label) == 0)
			return &up->kept[k];
	return NULL;
}

void upstream_take_over(struct upstream *up, unsigned int port, int family, struct mono now)
{
	struct way *w = &up->ports[port]->sides[family].way;
	struct upstream_kept *kept = find_kept(up, port, family);

	if (!kept)
		return;
	if (!w->to.ntargets) {
		w->to.target[0] = (struct reach_target){ .addr = kept->target, .port = kept->port };
		w->to.ntargets = 1;
	}
	w->watch.beat.heard = kept->heard;
	w->watch.beat.silent = kept->silent;
	w->watch.failed = kept->failed;
	w->watch.beat.due = now;
	w->watch.asked_at = kept->silent ? now : w->watch.asked_at;
	w->since_ms = kept->silent ? wall_ms() : 0;
	if (kept->failed || kept->behind)
		damp_remember(&up->damp[family][port]);
	w->own = true;
	*kept = up->kept[--up->nkept];
}

static void gather_one(const struct upstream *up, unsigned int port, int family, struct strbuf *out)
{
	const struct way *w = &up->ports[port]->sides[family].way;
	const struct upstream_kept *still = find_kept(up, port, family);
	struct upstream_kept kept = { .family = family,
				      .target = w->to.target[0].addr,
				      .port = w->to.target[0].port,
				      .heard = w->watch.beat.heard,
				      .silent = w->watch.beat.silent,
				      .failed = w->watch.failed,
				      .behind = up->damp[family][port].held };

	memcpy(kept.label, up->ports[port]->label, sizeof(kept.label));
	if (still) /* it does not work yet */
		upstream_kept_format(still, out);
	else if (w->to.ntargets && w->own)
		upstream_kept_format(&kept, out);
}

static void gather(const struct upstream *up, struct strbuf *out)
{
	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			gather_one(up, i, f, out);
}

/* Without anybody to ask there is no file either. */
void upstream_keep(struct upstream *up)
{
	struct strbuf text = STRBUF_INIT;
	int r = 0;

	gather(up, &text);
	if (up->is_stored && strcmp(strbuf_str(&text), strbuf_str(&up->stored)) == 0)
		goto out;
	if (text.len)
		r = file_replace_volatile(up->path, strbuf_str(&text), text.len, 0644);
	else if (unlink(up->path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0) {
		log_error("upstreams_not_kept", "file=%s err=%d", up->path, -r);
		goto out;
	}
	up->is_stored = true;
	strbuf_fini(&up->stored);
	up->stored = text;
	return;
out:
	strbuf_fini(&text);
}
