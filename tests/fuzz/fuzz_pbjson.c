/* SPDX-License-Identifier: Apache-2.0 */
/* Text → message → text → message: what was understood once is understood the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/pbjson.h"
#include "base/strbuf.h"
#include "tests/proto/sample.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *packed(const ProtobufCMessage *msg, size_t *len)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(msg) + 1);

	*len = protobuf_c_message_pack(msg, bytes);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *desc = &sample__sample__descriptor;
	ProtobufCMessage *first, *second;
	struct strbuf text = STRBUF_INIT;
	struct pbjson_error err;
	size_t was_len, now_len;
	uint8_t *was, *now;

	if (pbjson_parse(desc, (const char *)data, size, &first, &err) < 0) {
		if (!memchr(err.pointer, '\0', sizeof(err.pointer)) || !err.why[0])
			abort();
		return 0;
	}
	pbjson_format(first, size % 2 ? PBJSON_PRETTY : 0, &text);
	if (pbjson_parse(desc, text.str, text.len, &second, &err) < 0)
		abort();
	was = packed(first, &was_len);
	now = packed(second, &now_len);
	if (was_len != now_len || memcmp(was, now, was_len) != 0)
		abort();
	free(was);
	free(now);
	protobuf_c_message_free_unpacked(first, NULL);
	protobuf_c_message_free_unpacked(second, NULL);
	strbuf_fini(&text);
	return 0;
}
