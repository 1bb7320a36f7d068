/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/pbjson.h"
#include "base/pbjson_field.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "base/utf8.h"

void pbjson_format_string(const char *s, struct strbuf *out)
{
	static const char escapes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

	strbuf_addc(out, '"');
	while (s && *s) {
		const char *escape = strchr(escapes, *s);
		unsigned int n = utf8_length(s);

		if (escape) {
			strbuf_addc(out, '\\');
			strbuf_addc(out, letters[escape - escapes]);
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			strbuf_addf(out, "\\u%04x", (unsigned int)*s);
		} else if (n == 0) {
			strbuf_add(out, "\xef\xbf\xbd");
		} else {
			strbuf_addmem(out, s, n);
		}
		s += n ? n : 1;
	}
	strbuf_addc(out, '"');
}

struct writer {
	struct strbuf *out;
	unsigned int flags;
	unsigned int indent;
};

static void write_message(struct writer *w, const ProtobufCMessage *msg);

static void newline(struct writer *w)
{
	if (!(w->flags & PBJSON_PRETTY))
		return;
	strbuf_addc(w->out, '\n');
	for (unsigned int i = 0; i < w->indent; i++)
		strbuf_add(w->out, "  ");
}

/* '{' or '[', members each begun by next_member(), then close(). */
static void open_group(struct writer *w, char bracket)
{
	strbuf_addc(w->out, bracket);
	w->indent++;
}

static void next_member(struct writer *w, bool *first)
{
	if (!*first)
		strbuf_addc(w->out, ',');
	*first = false;
	newline(w);
}

static void close_group(struct writer *w, char bracket, bool empty)
{
	w->indent--;
	if (!empty)
		newline(w);
	strbuf_addc(w->out, bracket);
}

static void write_colon(struct writer *w)
{
	strbuf_add(w->out, w->flags & PBJSON_PRETTY ? ": " : ":");
}

static void write_name(struct writer *w, const char *proto_name)
{
	bool lift = false;

	strbuf_addc(w->out, '"');
	for (; *proto_name; proto_name++) {
		if (*proto_name == '_') {
			lift = true;
			continue;
		}
		strbuf_addc(w->out, lift ? (char)toupper((unsigned char)*proto_name) : *proto_name);
		lift = false;
	}
	strbuf_addc(w->out, '"');
	write_colon(w);
}

/* The shortest text that reads back as the same number. */
static void write_real(struct writer *w, double d, int digits_enough, bool single)
{
	char text[40];

	if (isnan(d) || isinf(d)) {
		strbuf_add(w->out, isnan(d) ? "\"NaN\"" : d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
		return;
	}
	/* "-0" would read back as an integer, which has no sign at zero. */
	if (d == 0 && signbit(d)) {
		strbuf_add(w->out, "-0.0");
		return;
	}
	for (int digits = 6; digits <= digits_enough; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
			break;
	}
	strbuf_add(w->out, text);
}

static void write_enum(struct writer *w, const ProtobufCEnumDescriptor *desc, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(desc, value);

	if (v)
		pbjson_format_string(v->name, w->out);
	else
		strbuf_addf(w->out, "%d", value);
}

static void write_bytes(struct writer *w, const ProtobufCBinaryData *bytes)
{
	strbuf_addc(w->out, '"');
	base64_encode(bytes->data, bytes->data ? bytes->len : 0, w->out);
	strbuf_addc(w->out, '"');
}

/* Whether there is one is no secret. A PAC file may hold users and passwords. */
static bool is_secret(const char *name)
{
	return strcmp(name, "password") == 0 || strcmp(name, "pac_text") == 0;
}

static void write_text(struct writer *w, const ProtobufCFieldDescriptor *field, const char *text)
{
	bool hidden = w->flags & PBJSON_STARS && *text && is_secret(field->name);

	pbjson_format_string(hidden ? "***" : text, w->out);
}

static void write_value(struct writer *w, const ProtobufCFieldDescriptor *field, const void *src)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		strbuf_addf(w->out, "%" PRId32, *(const int32_t *)src);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		strbuf_addf(w->out, "%" PRIu32, *(const uint32_t *)src);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		strbuf_addf(w->out, "\"%" PRId64 "\"", *(const int64_t *)src);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		strbuf_addf(w->out, "\"%" PRIu64 "\"", *(const uint64_t *)src);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		write_real(w, (double)*(const float *)src, 9, true);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		write_real(w, *(const double *)src, 17, false);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		strbuf_add(w->out, *(const protobuf_c_boolean *)src ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		write_enum(w, field->descriptor, *(const int *)src);
		break;
	case PROTOBUF_C_TYPE_STRING:
		write_text(w, field, *(char *const *)src);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		write_bytes(w, src);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		write_message(w, *(ProtobufCMessage *const *)src);
		break;
	}
}

/* Map keys are text in JSON, numbers and booleans too. */
static void write_map_key(struct writer *w, const ProtobufCFieldDescriptor *key, const void *src)
{
	bool quote = key->type != PROTOBUF_C_TYPE_STRING &&
		     (pbjson_element_size(key->type) != sizeof(uint64_t));

	if (quote)
		strbuf_addc(w->out, '"');
	write_value(w, key, src);
	if (quote)
		strbuf_addc(w->out, '"');
	write_colon(w);
}

static void write_repeated(struct writer *w, const ProtobufCMessage *msg,
			   const ProtobufCFieldDescriptor *field)
{
	size_t n = *PBJSON_CMEMBER(size_t, msg, field->quantifier_offset);
	const char *array = *PBJSON_CMEMBER(char *, msg, field->offset);
	size_t size = pbjson_element_size(field->type);
	bool map = pbjson_is_map(field), first = true;

	open_group(w, map ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		const void *src = array + i * size;

		next_member(w, &first);
		if (map) {
			const ProtobufCMessage *entry = *(ProtobufCMessage *const *)src;

			field = &entry->descriptor->fields[0];
			write_map_key(w, field, PBJSON_CMEMBER(void, entry, field->offset));
			field = &entry->descriptor->fields[1];
			src = PBJSON_CMEMBER(void, entry, field->offset);
		}
		write_value(w, field, src);
	}
	close_group(w, map ? '}' : ']', first);
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *src)
{
	static const uint64_t zero;

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return !*(char *const *)src || !**(char *const *)src;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)src)->len == 0;
	return memcmp(src, &zero, pbjson_element_size(field->type)) == 0;
}

static bool is_written(const struct writer *w, const ProtobufCMessage *msg,
		       const ProtobufCFieldDescriptor *field)
{
	const void *src = PBJSON_CMEMBER(void, msg, field->offset);
	bool defaults = (w->flags & PBJSON_DEFAULTS) != 0;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return defaults || *PBJSON_CMEMBER(size_t, msg, field->quantifier_offset) > 0;
	if (pbjson_is_oneof(field))
		return *PBJSON_CMEMBER(uint32_t, msg, field->quantifier_offset) == field->id;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(ProtobufCMessage *const *)src != NULL;
	return defaults || !is_zero(field, src);
}

/* False: not a time that can be told, write the numbers instead. */
static bool write_timestamp(struct writer *w, const ProtobufCMessage *msg)
{
	const ProtobufCFieldDescriptor *fields = msg->descriptor->fields;
	struct strbuf text = STRBUF_INIT;
	int r = rfc3339_format(*PBJSON_CMEMBER(int64_t, msg, fields[0].offset),
			       *PBJSON_CMEMBER(int32_t, msg, fields[1].offset), &text);

	if (r == 0)
		pbjson_format_string(strbuf_str(&text), w->out);
	strbuf_fini(&text);
	return r == 0;
}

static void write_message(struct writer *w, const ProtobufCMessage *msg)
{
	bool first = true;

	if (msg && pbjson_is_timestamp(msg->descriptor) && write_timestamp(w, msg))
		return;
	open_group(w, '{');
	for (unsigned int i = 0; msg && i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];

		if (!is_written(w, msg, field))
			continue;
		next_member(w, &first);
		write_name(w, field->name);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			write_repeated(w, msg, field);
		else
			write_value(w, field, PBJSON_CMEMBER(void, msg, field->offset));
	}
	close_group(w, '}', first);
}

void pbjson_format(const ProtobufCMessage *msg, unsigned int flags, struct strbuf *out)
{
	struct writer w = { .out = out, .flags = flags };

	write_message(&w, msg);
}
