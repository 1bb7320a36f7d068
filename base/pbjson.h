/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to and from protobuf (proto3) by descriptor reflection, after the proto3 JSON mapping
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

#define PBJSON_SIZE_MAX (16u << 20) /* bytes of text */
#define PBJSON_DEPTH_MAX 64 /* objects and arrays inside one another */

/*
 * Parses text of len bytes. Strict: unknown field, duplicate key, bad type, bad enum, two members
 * of a oneof, number out of range are errors; null is "not set". 0, -EINVAL, -E2BIG (more than
 * PBJSON_SIZE_MAX, or deeper than PBJSON_DEPTH_MAX) or -ENOMEM, each with err filled in.
 * *ret is freed by protobuf_c_message_free_unpacked(*ret, NULL).
 */
int pbjson_parse(const ProtobufCMessageDescriptor *desc, const char *text, size_t len,
		 ProtobufCMessage **ret, struct pbjson_error *err);

/* A field that is not ours: taken in any shape and dropped where it would be unknown. */
struct pbjson_ignore {
	const char *message; /* full name, "org.lfedge.eve.config.VmConfig" */
	const char *field; /* as in the .proto; its lowerCamelCase form is meant too */
};

/* As pbjson_parse(); ignore ends with message NULL. What is ignored counts for size, depth and
 * duplicate keys all the same. */
int pbjson_parse_ignoring(const ProtobufCMessageDescriptor *desc, const char *text, size_t len,
			  const struct pbjson_ignore *ignore, ProtobufCMessage **ret,
			  struct pbjson_error *err);

enum pbjson_flags {
	PBJSON_PRETTY = 1 << 0, /* indented by two blanks */
	PBJSON_DEFAULTS = 1 << 1, /* also fields that hold their default */
	PBJSON_STARS = 1 << 2, /* for people: "***" for passwords and PAC files */
};

/* Appends msg as JSON with lowerCamelCase names, fields in the order of their numbers. Text that is
 * not UTF-8 gets U+FFFD for each bad byte, an enum value without a name is written as number. */
void pbjson_format(const ProtobufCMessage *msg, unsigned int flags, struct strbuf *out);
/* Appends s as one JSON string, quotes included; likewise for bytes that are no UTF-8. */
void pbjson_format_string(const char *s, struct strbuf *out);
