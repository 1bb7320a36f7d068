/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/assigned.h"

#include "base/daemon.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "nim/stored.h"

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct nim_cards *cards = arg;
	ProtobufCMessage *msg;
	int r = pbjson_parse(&ew__assigned_adapters__descriptor, text, len, &msg, err);

	if (r < 0)
		return r;
	nim_cards_assign(cards, (const Ew__AssignedAdapters *)msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	return 0;
}

int nim_assigned_open(struct nim_cards *cards, const struct daemon *d, struct stored **ret)
{
	struct stored *stored = NULL;
	int r = stored_open(daemon_base(d), daemon_run_dir(d), daemon_state_dir(d), "assigned.json",
			    &stored);

	if (r < 0)
		return r;
	(void)stored_load(stored, parse, cards); /* none: most nodes have no such app */
	*ret = stored;
	return 0;
}

bool nim_assigned_set(struct nim_cards *cards, struct stored *stored,
		      const struct Ew__AssignedAdapters *msg)
{
	struct strbuf text = STRBUF_INIT;

	if (!nim_cards_assign(cards, msg))
		return false;
	if (msg)
		pbjson_format(&msg->base, PBJSON_PRETTY, &text);
	else
		strbuf_add(&text, "{}");
	stored_put(stored, &text);
	return true;
}
