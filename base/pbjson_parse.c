/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/json_place.h"
#include "base/pbjson.h"
#include "base/pbjson_field.h"
#include "base/pbjson_scalar.h"
#include "base/rfc3339.h"

struct parser {
	const struct pbjson_ignore *ignore;
	struct pbjson_error *err;
};

static void message_freep(ProtobufCMessage **msg)
{
	if (*msg)
		protobuf_c_message_free_unpacked(*msg, NULL);
}

static int __attribute__((__format__(__printf__, 4, 5)))
fail(struct parser *p, const struct json_place *at, int error, const char *fmt, ...)
{
	va_list ap;

	p->err->pointer[0] = '\0';
	if (at)
		json_place_format(at, p->err->pointer, sizeof(p->err->pointer));
	va_start(ap, fmt);
	vsnprintf(p->err->why, sizeof(p->err->why), fmt, ap);
	va_end(ap);
	return error;
}

static int parse_message(struct parser *p, const struct json_place *at,
			 const ProtobufCMessageDescriptor *desc, const json_t *value,
			 ProtobufCMessage **ret);

static int parse_timestamp(struct parser *p, const struct json_place *at, const json_t *value,
			   ProtobufCMessage *msg)
{
	const ProtobufCFieldDescriptor *fields = msg->descriptor->fields;
	const char *s = json_string_value(value);

	if (!s || rfc3339_parse(s, PBJSON_MEMBER(int64_t, msg, fields[0].offset),
				PBJSON_MEMBER(int32_t, msg, fields[1].offset)) < 0)
		return fail(p, at, -EINVAL, "expected a time like \"2026-03-04T05:06:07Z\"");
	return 0;
}

/* One value of the field's type, at dst. */
static int parse_value(struct parser *p, const struct json_place *at,
		       const ProtobufCFieldDescriptor *field, const json_t *value, void *dst)
{
	const char *why = "";
	int r;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return parse_message(p, at, field->descriptor, value, dst);
	r = pbjson_scalar(field, value, dst, &why);
	if (r == -ENOMEM)
		why = "out of memory";
	return r < 0 ? fail(p, at, r, "%s", why) : 0;
}

/* Room for n elements in a repeated field; the count grows with each element that is complete,
 * so that the message can be freed at any time. */
static int array_reserve(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
			 const ProtobufCFieldDescriptor *field, size_t n, char **ret)
{
	void *array;

	if (n == 0)
		return 0;
	array = calloc(n, pbjson_element_size(field->type));
	if (!array)
		return fail(p, at, -ENOMEM, "out of memory");
	*PBJSON_MEMBER(void *, msg, field->offset) = array;
	*ret = array;
	return 0;
}

static int parse_array(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
		       const ProtobufCFieldDescriptor *field, const json_t *value)
{
	size_t *count = PBJSON_MEMBER(size_t, msg, field->quantifier_offset);
	size_t size = pbjson_element_size(field->type);
	const size_t n = json_array_size(value); /* 0 of anything else */
	char *array = NULL;
	int r;

	if (!json_is_array(value))
		return fail(p, at, -EINVAL, "expected an array");
	r = array_reserve(p, at, msg, field, n, &array);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct json_place here = { .up = at, .index = i };

		r = parse_value(p, &here, field, json_array_get(value, i), array + i * size);
		if (r < 0)
			return r;
		(*count)++;
	}
	return 0;
}

static int parse_map_entry(struct parser *p, const struct json_place *at,
			   const ProtobufCMessageDescriptor *desc, const json_t *value,
			   ProtobufCMessage **ret)
{
	const ProtobufCFieldDescriptor *key = &desc->fields[0], *val = &desc->fields[1];
	_cleanup_(message_freep) ProtobufCMessage *entry = calloc(1, desc->sizeof_message);
	const char *why = "out of memory";
	int r;

	if (!entry)
		return fail(p, at, -ENOMEM, "%s", why);
	protobuf_c_message_init(desc, entry);
	r = pbjson_map_key(key, at->key, PBJSON_MEMBER(void, entry, key->offset), &why);
	if (r < 0)
		return fail(p, at, r, "map key: %s", why);
	r = parse_value(p, at, val, value, PBJSON_MEMBER(void, entry, val->offset));
	if (r < 0)
		return r;
	*ret = take_ptr(entry);
	return 0;
}

static int parse_map(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
		     const ProtobufCFieldDescriptor *field, json_t *value)
{
	size_t *count = PBJSON_MEMBER(size_t, msg, field->quantifier_offset);
	char *array = NULL;
	const char *key;
	json_t *member;
	int r;

	if (!json_is_object(value))
		return fail(p, at, -EINVAL, "expected an object");
	r = array_reserve(p, at, msg, field, json_object_size(value), &array);
	if (r < 0)
		return r;
	json_object_foreach(value, key, member)
	{
		struct json_place here = { .up = at, .key = key };

		r = parse_map_entry(p, &here, field->descriptor, member,
				    (ProtobufCMessage **)array + *count);
		if (r < 0)
			return r;
		(*count)++;
	}
	return 0;
}

static int parse_oneof(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
		       const ProtobufCFieldDescriptor *field, const json_t *value)
{
	uint32_t *which = PBJSON_MEMBER(uint32_t, msg, field->quantifier_offset);
	int r;

	if (*which) {
		const ProtobufCFieldDescriptor *other =
			protobuf_c_message_descriptor_get_field(msg->descriptor, *which);

		return fail(p, at, -EINVAL, "only one of this and \"%s\" may be set", other->name);
	}
	r = parse_value(p, at, field, value, PBJSON_MEMBER(void, msg, field->offset));
	if (r < 0)
		return r;
	*which = field->id;
	return 0;
}

static int parse_field(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
		       const ProtobufCFieldDescriptor *field, json_t *value)
{
	if (json_is_null(value))
		return 0;
	if (pbjson_is_map(field))
		return parse_map(p, at, msg, field, value);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return parse_array(p, at, msg, field, value);
	if (pbjson_is_oneof(field))
		return parse_oneof(p, at, msg, field, value);
	return parse_value(p, at, field, value, PBJSON_MEMBER(void, msg, field->offset));
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *desc,
						  const char *name)
{
	for (unsigned int i = 0; i < desc->n_fields; i++) {
		if (pbjson_name_matches(desc->fields[i].name, name))
			return &desc->fields[i];
	}
	return NULL;
}

static bool ignored(const struct parser *p, const ProtobufCMessageDescriptor *desc,
		    const char *name)
{
	for (const struct pbjson_ignore *ig = p->ignore; ig && ig->message; ig++) {
		if (strcmp(ig->message, desc->name) == 0 && pbjson_name_matches(ig->field, name))
			return true;
	}
	return false;
}

/* "shared_labels" and "sharedLabels" in one object are two keys to jansson, one field to us. */
static bool given_twice(json_t *object, const ProtobufCFieldDescriptor *field, const char *key)
{
	const char *other;
	json_t *value;

	if (!strchr(field->name, '_'))
		return false;
	json_object_foreach(object, other, value)
	{
		if (strcmp(other, key) == 0)
			return false;
		if (pbjson_name_matches(field->name, other))
			return true;
	}
	return false;
}

static int parse_members(struct parser *p, const struct json_place *at, ProtobufCMessage *msg,
			 json_t *object)
{
	const char *key;
	json_t *value;
	int r;

	json_object_foreach(object, key, value)
	{
		const ProtobufCFieldDescriptor *field = find_field(msg->descriptor, key);
		struct json_place here = { .up = at, .key = key };

		if (!field && ignored(p, msg->descriptor, key))
			continue;
		if (!field)
			return fail(p, &here, -EINVAL, "unknown field");
		if (given_twice(object, field, key))
			return fail(p, &here, -EINVAL, "field given twice");
		r = parse_field(p, &here, msg, field, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_message(struct parser *p, const struct json_place *at,
			 const ProtobufCMessageDescriptor *desc, const json_t *value,
			 ProtobufCMessage **ret)
{
	_cleanup_(message_freep) ProtobufCMessage *msg = NULL;
	bool timestamp = pbjson_is_timestamp(desc);
	int r;

	if (!timestamp && !json_is_object(value))
		return fail(p, at, -EINVAL, "expected an object");
	msg = calloc(1, desc->sizeof_message);
	if (!msg)
		return fail(p, at, -ENOMEM, "out of memory");
	protobuf_c_message_init(desc, msg);
	r = timestamp ? parse_timestamp(p, at, value, msg)
		      : parse_members(p, at, msg, (json_t *)value);
	if (r < 0)
		return r;
	*ret = take_ptr(msg);
	return 0;
}

/* How deep brackets nest, without recursion and before anybody recurses. */
static unsigned int text_depth(const char *text, size_t len)
{
	unsigned int depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
			continue;
		}
		if (text[i] == '"')
			in_string = true;
		else if (text[i] == '{' || text[i] == '[')
			deepest = ++depth > deepest ? depth : deepest;
		else if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
	}
	return deepest;
}

int pbjson_parse_ignoring(const ProtobufCMessageDescriptor *desc, const char *text, size_t len,
			  const struct pbjson_ignore *ignore, ProtobufCMessage **ret,
			  struct pbjson_error *err)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	struct parser p = { .ignore = ignore, .err = err };
	struct json_place document = { .up = NULL };
	json_error_t syntax;

	if (len > PBJSON_SIZE_MAX)
		return fail(&p, NULL, -E2BIG, "larger than %u bytes", PBJSON_SIZE_MAX);
	if (text_depth(text, len) > PBJSON_DEPTH_MAX)
		return fail(&p, NULL, -E2BIG, "nested deeper than %d levels", PBJSON_DEPTH_MAX);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &syntax);
	if (!root)
		return fail(&p, NULL, -EINVAL, "line %d, column %d: %s", syntax.line, syntax.column,
			    syntax.text);
	return parse_message(&p, &document, desc, root, ret);
}

int pbjson_parse(const ProtobufCMessageDescriptor *desc, const char *text, size_t len,
		 ProtobufCMessage **ret, struct pbjson_error *err)
{
	return pbjson_parse_ignoring(desc, text, len, NULL, ret, err);
}
