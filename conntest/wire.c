/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/wire.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

void conn_wire_add(const ProtobufCMessage *msg, struct strbuf *out)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	_cleanup_(freep) uint8_t *bytes = xcalloc(1, len + 1);
	const uint8_t head[CONN_WIRE_HEAD] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
					       (uint8_t)(len >> 8), (uint8_t)len };

	protobuf_c_message_pack(msg, bytes);
	strbuf_addmem(out, head, sizeof(head));
	strbuf_addmem(out, bytes, len);
}

int conn_wire_next(const uint8_t *data, size_t len)
{
	uint32_t size;

	if (len < CONN_WIRE_HEAD)
		return 0;
	size = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
	if (size > CONN_WIRE_MAX)
		return -EMSGSIZE;
	return len < CONN_WIRE_HEAD + size ? 0 : (int)(CONN_WIRE_HEAD + size);
}
