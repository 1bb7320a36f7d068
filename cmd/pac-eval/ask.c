/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pac-eval/ask.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pac.h"
#include "paceval.pb-c.h"

static int take_text(const ProtobufCBinaryData *text, struct ask *ask)
{
	if (text->len > PAC_TEXT_MAX || (text->len && memchr(text->data, '\0', text->len)))
		return -EINVAL;
	ask->text = xstrndup(text->len ? (const char *)text->data : "", text->len);
	return 0;
}

static int take_name(const Ew__PacName *msg, struct ask_name *name)
{
	if (strlen(msg->name) >= sizeof(name->name) || msg->n_addresses > ASK_NAME_ADDRS)
		return -EINVAL;
	strcpy(name->name, msg->name);
	for (size_t i = 0; i < msg->n_addresses; i++)
		if (ipaddr_parse(msg->addresses[i], &name->addrs[name->naddrs++]) < 0)
			return -EINVAL;
	return 0;
}

static int take_all(const Ew__PacRequest *msg, struct ask *ask)
{
	int r = msg->n_urls > HTTP_URLS || msg->n_names > ASK_NAMES ? -EINVAL : 0;

	if (r == 0)
		r = take_text(&msg->text, ask);
	if (r == 0 && msg->own_address[0])
		r = ipaddr_parse(msg->own_address, &ask->own);
	for (size_t i = 0; r == 0 && i < msg->n_urls; i++) {
		r = http_url_parse(msg->urls[i], &ask->parsed[i]);
		ask->urls[ask->nurls++] = xstrdup(msg->urls[i]);
	}
	for (size_t i = 0; r == 0 && i < msg->n_names; i++)
		r = take_name(msg->names[i], &ask->names[ask->nnames++]);
	return r;
}

int ask_read(const uint8_t *msg, size_t len, struct ask *ret)
{
	Ew__PacRequest *request = ew__pac_request__unpack(NULL, len, msg);
	struct ask ask = { 0 };
	int r = request ? take_all(request, &ask) : -EINVAL;

	if (request)
		ew__pac_request__free_unpacked(request, NULL);
	if (r == 0)
		*ret = ask;
	else
		ask_fini(&ask);
	return r == 0 ? 0 : -EINVAL;
}

void ask_fini(struct ask *ask)
{
	free(take_ptr(ask->text));
	for (unsigned int i = 0; i < ask->nurls; i++)
		free(take_ptr(ask->urls[i]));
	ask->nurls = ask->nnames = 0;
}
