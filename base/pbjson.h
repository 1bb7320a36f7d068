/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to and from protobuf by descriptor reflection, after the proto3 JSON mapping
 * (https://protobuf.dev/programming-guides/json/): lowerCamelCase and original names accepted,
 * enum names and numbers, 64-bit numbers as strings, bytes as base64, oneof, maps (messages of
 * fields key = 1 and value = 2 that the .proto declares as map<>), google.protobuf.Timestamp.
 */
#pragma once

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct strbuf;

struct pbjson_error {
	char pointer[256]; /* RFC 6901, "/networks/0/ip/subnet"; "" = the document */
	char why[256]; /* "unknown field", "expected a number" …; syntax errors name line, column */
};

/*
 * Parses text of len bytes. Strict: unknown field, duplicate key, bad type, bad enum, two members
 * of a oneof, number out of range are errors. 0, -EINVAL (err filled in) or -E2BIG (more than
 * 16 MiB, or nested deeper than 64). *ret is freed by protobuf_c_message_free_unpacked(*ret, NULL).
 */
int pbjson_parse(const ProtobufCMessageDescriptor *desc, const char *text, size_t len,
		 ProtobufCMessage **ret, struct pbjson_error *err);

enum pbjson_flags {
	PBJSON_PRETTY = 1 << 0, /* indented by two blanks */
	PBJSON_DEFAULTS = 1 << 1, /* also fields that hold their default */
};

/* Appends msg as JSON with lowerCamelCase names. */
void pbjson_format(const ProtobufCMessage *msg, unsigned int flags, struct strbuf *out);
