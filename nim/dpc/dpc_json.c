/* SPDX-License-Identifier: Apache-2.0 */
/* Go's encoding/json rules over the descriptors of api/eve/dpc.proto. */
#include "nim/dpc/dpc_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/addr.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json_place.h"
#include "base/pbjson_field.h"
#include "base/rfc3339.h"
#include "dpc.pb-c.h"

enum rule_kind { RULE_MAX, RULE_IP, RULE_UUID };

/* What the descriptor cannot say: the width of EVE's integers, strings with a form of their own. */
static const struct rule {
	const ProtobufCMessageDescriptor *message;
	const char *field;
	enum rule_kind kind;
	uint32_t max;
} rules[] = {
	{ &dpc__config__descriptor, "State", RULE_MAX, UINT8_MAX },
	{ &dpc__port__descriptor, "NetworkUUID", RULE_UUID, 0 },
	{ &dpc__port__descriptor, "Cost", RULE_MAX, UINT8_MAX },
	{ &dpc__port__descriptor, "MTU", RULE_MAX, UINT16_MAX },
	{ &dpc__port__descriptor, "Dhcp", RULE_MAX, UINT8_MAX },
	{ &dpc__port__descriptor, "Type", RULE_MAX, UINT8_MAX },
	{ &dpc__port__descriptor, "Gateway", RULE_IP, 0 },
	{ &dpc__port__descriptor, "MoreGateways", RULE_IP, 0 },
	{ &dpc__port__descriptor, "DNSServers", RULE_IP, 0 },
	{ &dpc__port__descriptor, "L2Type", RULE_MAX, UINT8_MAX },
	{ &dpc__proxy__descriptor, "type", RULE_MAX, UINT8_MAX },
	{ &dpc__vlan__descriptor, "ID", RULE_MAX, UINT16_MAX },
	{ &dpc__bond__descriptor, "Mode", RULE_MAX, UINT8_MAX },
	{ &dpc__bond__descriptor, "LacpRate", RULE_MAX, UINT8_MAX },
	{ &dpc__arp_monitor__descriptor, "IPTargets", RULE_IP, 0 },
	{ &dpc__wireless__descriptor, "WType", RULE_MAX, UINT8_MAX },
	{ &dpc__access_point__descriptor, "SIMSlot", RULE_MAX, UINT8_MAX },
	{ &dpc__user_probe__descriptor, "Method", RULE_MAX, UINT8_MAX },
	{ &dpc__wifi__descriptor, "KeyScheme", RULE_MAX, UINT8_MAX },
	{ &dpc__pnac__descriptor, "EAPMethod", RULE_MAX, UINT8_MAX },
	{ &dpc__config_source__descriptor, "Origin", RULE_MAX, UINT8_MAX },
};

/* Other keys of a field. */
static const struct alias {
	const ProtobufCMessageDescriptor *message;
	const char *key, *field;
} aliases[] = {
	{ &dpc__port__descriptor, "pubsub-large-ProxyCertPEM", "ProxyCertPEM" },
	{ &dpc__pnac__descriptor, "pubsub-large-ProxyCertPEM", "ProxyCertPEM" },
	{ &dpc__wifi__descriptor, "pubsub-large-CipherData", "CipherData" },
	{ &dpc__cipher_block__descriptor, "pubsub-large-CipherData", "CipherData" },
};

static int __attribute__((__format__(__printf__, 4, 5)))
fail(struct pbjson_error *err, const struct json_place *at, int error, const char *fmt, ...)
{
	va_list ap;

	json_place_format(at, err->pointer, sizeof(err->pointer));
	va_start(ap, fmt);
	vsnprintf(err->why, sizeof(err->why), fmt, ap);
	va_end(ap);
	return error;
}

static int no_memory(struct pbjson_error *err, const struct json_place *at)
{
	return fail(err, at, -ENOMEM, "out of memory");
}

static const struct rule *find_rule(const ProtobufCMessageDescriptor *desc, const char *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].message == desc && strcmp(rules[i].field, field) == 0)
			return &rules[i];
	return NULL;
}

/* As Go folds keys: in any case, and U+017F is an s, U+212A a k (foldRune() of encoding/json). */
static bool key_equal(const char *key, const char *name)
{
	for (; *key && *name; name++) {
		char c = *key++;

		if (c == '\xc5' && *key == '\xbf')
			c = 's', key++;
		else if (c == '\xe2' && strncmp(key, "\x84\xaa", 2) == 0)
			c = 'k', key += 2;
		if (tolower((unsigned char)c) != tolower((unsigned char)*name))
			return false;
	}
	return !*key && !*name;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *desc,
						  const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (aliases[i].message == desc && key_equal(key, aliases[i].key))
			key = aliases[i].field;
	for (unsigned int i = 0; i < desc->n_fields; i++)
		if (key_equal(key, desc->fields[i].name))
			return &desc->fields[i];
	return NULL;
}

/* ---- Scalars ---- */

static bool is_uuid(const char *s)
{
	size_t len = strlen(s), digits = 0;

	if (strncasecmp(s, "urn:uuid:", 9) == 0)
		s += 9;
	else if (len == 38 && *s == '{' && s[37] == '}')
		s++;
	for (; *s && *s != '}'; s++) {
		bool dash = digits == 8 || digits == 12 || digits == 16 || digits == 20;

		if (*s == '-' && dash && s[1] != '-')
			continue;
		if (!strchr("0123456789abcdefABCDEF", *s))
			return false;
		digits++;
	}
	return digits == 32 && (len == 32 || len == 36 || len == 38 || len == 45);
}

static int parse_string(const struct rule *rule, const char *s, const struct json_place *at,
			char **dst, struct pbjson_error *err)
{
	struct ipaddr addr;

	if (rule && rule->kind == RULE_IP && *s && ipaddr_parse(s, &addr) < 0)
		return fail(err, at, -EINVAL, "\"%.80s\" is no IP address", s);
	if (rule && rule->kind == RULE_UUID && !is_uuid(s))
		return fail(err, at, -EINVAL, "\"%.80s\" is no UUID", s);
	*dst = strdup(s);
	return *dst ? 0 : no_memory(err, at);
}

static bool is_standard_base64(const char *s, size_t len)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

	return len % 4 == 0 && len - n <= 2 && n + strspn(s + n, "=") == len;
}

static int parse_bytes(const char *s, const struct json_place *at, ProtobufCBinaryData *dst,
		       struct pbjson_error *err)
{
	_cleanup_(freep) char *text = xstrdup(s); /* bounded by the file */
	size_t len = 0;
	int r;

	for (; *s; s++)
		if (*s != '\r' && *s != '\n')
			text[len++] = *s;
	text[len] = '\0';
	if (!is_standard_base64(text, len))
		return fail(err, at, -EINVAL, "expected padded base64");
	r = base64_decode(text, &dst->data, &dst->len);
	return r == -ENOMEM ? no_memory(err, at) : r;
}

static int parse_integer(const struct rule *rule, ProtobufCType type, const json_t *value,
			 const struct json_place *at, void *dst, struct pbjson_error *err)
{
	bool is_signed = type == PROTOBUF_C_TYPE_INT32;
	json_int_t min = is_signed ? INT32_MIN : 0, max = is_signed ? INT32_MAX : UINT32_MAX, n;

	if (!json_is_integer(value))
		return fail(err, at, -EINVAL, "expected an integer");
	n = json_integer_value(value);
	if (rule)
		max = rule->max;
	if (n < min || n > max)
		return fail(err, at, -EINVAL, "expected %lld to %lld", (long long)min,
			    (long long)max);
	if (is_signed)
		*(int32_t *)dst = (int32_t)n;
	else
		*(uint32_t *)dst = (uint32_t)n;
	return 0;
}

static int parse_time(const json_t *value, const struct json_place *at, ProtobufCMessage **dst,
		      struct pbjson_error *err)
{
	const char *s = json_string_value(value);
	Google__Protobuf__Timestamp *time;
	int64_t seconds;
	int32_t nanos;

	if (!s || rfc3339_parse(s, &seconds, &nanos) < 0)
		return fail(err, at, -EINVAL, "expected a time like \"2026-03-04T05:06:07Z\"");
	if (seconds == -62135596800LL && nanos == 0)
		return 0; /* time.Time{} */
	time = malloc(sizeof(*time));
	if (!time)
		return no_memory(err, at);
	google__protobuf__timestamp__init(time);
	time->seconds = seconds;
	time->nanos = nanos;
	*dst = &time->base;
	return 0;
}

/* ---- Structure ---- */

static int parse_message(const ProtobufCMessageDescriptor *desc, const json_t *value,
			 const struct json_place *at, ProtobufCMessage **dst,
			 struct pbjson_error *err);

/* One value at dst, which holds the type's zero. */
static int parse_value(const ProtobufCMessageDescriptor *desc,
		       const ProtobufCFieldDescriptor *field, const json_t *value,
		       const struct json_place *at, void *dst, struct pbjson_error *err)
{
	const struct rule *rule = find_rule(desc, field->name);

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return pbjson_is_timestamp(field->descriptor)
			       ? parse_time(value, at, dst, err)
			       : parse_message(field->descriptor, value, at, dst, err);
	if (field->type == PROTOBUF_C_TYPE_BOOL) {
		if (!json_is_boolean(value))
			return fail(err, at, -EINVAL, "expected true or false");
		*(protobuf_c_boolean *)dst = json_is_true(value);
		return 0;
	}
	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES)
		return parse_integer(rule, field->type, value, at, dst, err);
	if (!json_is_string(value))
		return fail(err, at, -EINVAL, "expected a string");
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return parse_bytes(json_string_value(value), at, dst, err);
	return parse_string(rule, json_string_value(value), at, dst, err);
}

/* Go leaves the zero value where an element is null: "" or an empty object. */
static int parse_element(const ProtobufCMessageDescriptor *desc,
			 const ProtobufCFieldDescriptor *field, const json_t *value,
			 const struct json_place *at, void *dst, struct pbjson_error *err)
{
	_cleanup_(json_decrefp) json_t *zero = NULL;

	if (!json_is_null(value))
		return parse_value(desc, field, value, at, dst, err);
	zero = field->type == PROTOBUF_C_TYPE_MESSAGE ? json_object() : json_string("");
	return zero ? parse_value(desc, field, zero, at, dst, err) : no_memory(err, at);
}

static int parse_array(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
		       const json_t *value, const struct json_place *at, struct pbjson_error *err)
{
	size_t *count = PBJSON_MEMBER(size_t, msg, field->quantifier_offset);
	size_t size = pbjson_element_size(field->type), n = json_array_size(value);
	char *array;

	if (!json_is_array(value))
		return fail(err, at, -EINVAL, "expected an array");
	if (n == 0)
		return 0;
	array = calloc(n, size);
	if (!array)
		return no_memory(err, at);
	*PBJSON_MEMBER(void *, msg, field->offset) = array;
	for (size_t i = 0; i < n; i++) {
		struct json_place here = { .up = at, .index = i };
		int r = parse_element(msg->descriptor, field, json_array_get(value, i), &here,
				      array + i * size, err);

		if (r < 0)
			return r;
		(*count)++; /* so that the message can be freed at any time */
	}
	return 0;
}

/* null leaves what an earlier spelling said. */
static bool is_last_spelling(const ProtobufCMessageDescriptor *desc, json_t *object, void *iter,
			     const ProtobufCFieldDescriptor *field)
{
	while ((iter = json_object_iter_next(object, iter)))
		if (!json_is_null(json_object_iter_value(iter)) &&
		    find_field(desc, json_object_iter_key(iter)) == field)
			return false;
	return true;
}

static int parse_member(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			const json_t *value, const struct json_place *at, struct pbjson_error *err)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return parse_array(msg, field, value, at, err);
	return parse_value(msg->descriptor, field, value, at,
			   PBJSON_MEMBER(void, msg, field->offset), err);
}

static void message_freep(ProtobufCMessage **msg)
{
	if (*msg)
		protobuf_c_message_free_unpacked(*msg, NULL);
}

/* What a later spelling replaces has to be right as well. */
static int check_member(const ProtobufCMessageDescriptor *desc,
			const ProtobufCFieldDescriptor *field, const json_t *value,
			const struct json_place *at, struct pbjson_error *err)
{
	_cleanup_(message_freep) ProtobufCMessage *msg = calloc(1, desc->sizeof_message);

	if (!msg)
		return no_memory(err, at);
	protobuf_c_message_init(desc, msg);
	return parse_member(msg, field, value, at, err);
}

/* Objects by several spellings of one key become one. */
static bool is_merged(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_MESSAGE &&
	       field->label != PROTOBUF_C_LABEL_REPEATED && !pbjson_is_timestamp(field->descriptor);
}

static int parse_members(ProtobufCMessage *msg, json_t *object, const struct json_place *at,
			 struct pbjson_error *err)
{
	for (void *iter = json_object_iter(object); iter;
	     iter = json_object_iter_next(object, iter)) {
		const char *key = json_object_iter_key(iter);
		const json_t *value = json_object_iter_value(iter);
		struct json_place here = { .up = at, .key = key };
		const ProtobufCFieldDescriptor *field = find_field(msg->descriptor, key);
		int r;

		if (!field || json_is_null(value))
			continue;
		if (is_merged(field) || is_last_spelling(msg->descriptor, object, iter, field))
			r = parse_member(msg, field, value, &here, err);
		else
			r = check_member(msg->descriptor, field, value, &here, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* NtpServer, one name, from before NTPServers. Both may be given: documents still show the old. */
static int parse_ntp_server(Dpc__Port *port, json_t *object, const struct json_place *at,
			    struct pbjson_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		struct json_place here = { .up = at, .key = key };
		char **servers;

		if (!key_equal(key, "NtpServer") || json_is_null(value))
			continue;
		if (!json_is_string(value))
			return fail(err, &here, -EINVAL, "expected a string");
		if (!*json_string_value(value))
			continue;
		servers = realloc(port->ntpservers, (port->n_ntpservers + 1) * sizeof(*servers));
		if (!servers)
			return no_memory(err, &here);
		port->ntpservers = servers;
		servers[port->n_ntpservers] = strdup(json_string_value(value));
		if (!servers[port->n_ntpservers])
			return no_memory(err, &here);
		port->n_ntpservers++;
	}
	return 0;
}

static int parse_message(const ProtobufCMessageDescriptor *desc, const json_t *value,
			 const struct json_place *at, ProtobufCMessage **dst,
			 struct pbjson_error *err)
{
	_cleanup_(message_freep) ProtobufCMessage *msg = NULL;
	json_t *object = (json_t *)value; /* jansson's iterators want it so, and do not write */
	int r;

	if (!json_is_object(value))
		return fail(err, at, -EINVAL, "expected an object");
	if (*dst)
		return parse_members(*dst, object, at, err); /* to what an earlier spelling said */
	msg = calloc(1, desc->sizeof_message);
	if (!msg)
		return no_memory(err, at);
	protobuf_c_message_init(desc, msg);
	r = parse_members(msg, object, at, err);
	if (r == 0 && desc == &dpc__port__descriptor)
		r = parse_ntp_server((Dpc__Port *)msg, object, at, err);
	if (r == 0)
		*dst = take_ptr(msg);
	return r;
}

int dpc_json_parse(const char *text, size_t len, Dpc__Config **ret, struct pbjson_error *err)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	const struct json_place document = { .up = NULL };
	ProtobufCMessage *msg = NULL;
	json_error_t syntax;
	int r;

	if (len > DPC_JSON_MAX)
		return fail(err, &document, -E2BIG, "larger than %d bytes", DPC_JSON_MAX);
	root = json_loadb(text, len, JSON_DECODE_ANY, &syntax);
	if (!root)
		return fail(err, &document, -EINVAL, "line %d, column %d: %s", syntax.line,
			    syntax.column, syntax.text);
	r = parse_message(&dpc__config__descriptor, root, &document, &msg, err);
	if (r == 0)
		*ret = (Dpc__Config *)msg;
	return r;
}
