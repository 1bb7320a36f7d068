/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/pbjson_field.h"
#include "base/pbjson_scalar.h"

static const char why_range[] = "number out of range";
static const char why_integer[] = "expected an integer";
static const char why_number[] = "expected a number";

/* An integer of up to 64 bits, sign apart, so that one path serves int64 and uint64. */
struct integer {
	bool negative;
	uint64_t magnitude;
};

/* Canonical decimal: -?(0|[1-9][0-9]*), no "-0". */
static int integer_from_text(const char *s, struct integer *ret, const char **why)
{
	struct integer n = { .negative = *s == '-' };

	*why = why_integer;
	if (n.negative)
		s++;
	if (!*s || (*s == '0' && (s[1] || n.negative)))
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit = (unsigned int)(*s - '0');

		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (n.magnitude > (UINT64_MAX - digit) / 10) {
			*why = why_range;
			return -EINVAL;
		}
		n.magnitude = n.magnitude * 10 + digit;
	}
	*ret = n;
	return 0;
}

static int integer_from_json(const json_t *value, struct integer *ret, const char **why)
{
	if (json_is_string(value))
		return integer_from_text(json_string_value(value), ret, why);
	if (json_is_integer(value)) {
		json_int_t i = json_integer_value(value);

		ret->negative = i < 0;
		ret->magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
		return 0;
	}
	*why = why_integer;
	if (!json_is_real(value))
		return -EINVAL;

	/* 1.0 and 1e3 are integers, too. 2^64 is the first double beyond the range. */
	double d = json_real_value(value);

	if (d != trunc(d))
		return -EINVAL;
	if (fabs(d) >= 18446744073709551616.0) {
		*why = why_range;
		return -EINVAL;
	}
	ret->negative = d < 0;
	ret->magnitude = (uint64_t)fabs(d);
	return 0;
}

static int store_integer(ProtobufCType type, const struct integer *n, void *dst, const char **why)
{
	bool is64 = pbjson_element_size(type) == sizeof(uint64_t);
	bool is_unsigned = type == PROTOBUF_C_TYPE_UINT32 || type == PROTOBUF_C_TYPE_FIXED32 ||
			   type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
	uint64_t max = is64 ? UINT64_MAX : UINT32_MAX, bits;

	if (!is_unsigned)
		max = max / 2 + n->negative;
	else if (n->negative && n->magnitude)
		max = 0;
	*why = why_range;
	if (n->magnitude > max)
		return -EINVAL;
	bits = n->negative ? 0 - n->magnitude : n->magnitude;
	if (is64)
		*(uint64_t *)dst = bits;
	else
		*(uint32_t *)dst = (uint32_t)bits;
	return 0;
}

static int parse_real(const json_t *value, double *ret, const char **why)
{
	static const struct {
		const char *text;
		double value;
	} special[] = {
		{ "NaN", NAN },
		{ "Infinity", INFINITY },
		{ "-Infinity", -INFINITY },
	};
	const char *s = json_string_value(value);
	char *end;
	double d;

	*why = why_number;
	if (!s) {
		if (!json_is_number(value))
			return -EINVAL;
		*ret = json_number_value(value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		if (strcmp(s, special[i].text) == 0) {
			*ret = special[i].value;
			return 0;
		}
	}
	/* strtod() takes more (blanks, hex, "inf") than JSON's numbers may hold. */
	if (!*s || s[strspn(s, "0123456789+-.eE")])
		return -EINVAL;
	d = strtod(s, &end);
	if (*end)
		return -EINVAL;
	if (!isfinite(d)) {
		*why = why_range;
		return -EINVAL;
	}
	*ret = d;
	return 0;
}

static int parse_float(const json_t *value, float *ret, const char **why)
{
	double d;
	int r;

	r = parse_real(value, &d, why);
	if (r < 0)
		return r;
	/* Nine digits of FLT_MAX are a little more than FLT_MAX: up to half a step is rounding. */
	if (isfinite(d) && fabs(d) >= 0x1.ffffffp127) {
		*why = why_range;
		return -EINVAL;
	}
	if (isfinite(d) && fabs(d) > (double)FLT_MAX)
		d = copysign((double)FLT_MAX, d);
	*ret = (float)d;
	return 0;
}

static int parse_enum(const ProtobufCEnumDescriptor *desc, const json_t *value, int *ret,
		      const char **why)
{
	const ProtobufCEnumValue *v = NULL;

	*why = "unknown enum value";
	if (json_is_string(value)) {
		v = protobuf_c_enum_descriptor_get_value_by_name(desc, json_string_value(value));
	} else if (json_is_integer(value)) {
		json_int_t i = json_integer_value(value);

		if (i >= INT32_MIN && i <= INT32_MAX)
			v = protobuf_c_enum_descriptor_get_value(desc, (int)i);
	} else {
		*why = "expected an enum name or number";
	}
	if (!v)
		return -EINVAL;
	*ret = v->value;
	return 0;
}

static int parse_bytes(const json_t *value, ProtobufCBinaryData *ret, const char **why)
{
	*why = "expected base64";
	if (!json_is_string(value))
		return -EINVAL;
	return base64_decode(json_string_value(value), &ret->data, &ret->len);
}

static int store_string(const char *s, char **dst)
{
	char *copy = strdup(s);

	if (!copy)
		return -ENOMEM;
	*dst = copy;
	return 0;
}

int pbjson_scalar(const ProtobufCFieldDescriptor *field, const json_t *value, void *dst,
		  const char **why)
{
	struct integer n;
	int r;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		r = integer_from_json(value, &n, why);
		return r < 0 ? r : store_integer(field->type, &n, dst, why);
	case PROTOBUF_C_TYPE_FLOAT:
		return parse_float(value, dst, why);
	case PROTOBUF_C_TYPE_DOUBLE:
		return parse_real(value, dst, why);
	case PROTOBUF_C_TYPE_BOOL:
		*why = "expected true or false";
		if (!json_is_boolean(value))
			return -EINVAL;
		*(protobuf_c_boolean *)dst = json_is_true(value);
		return 0;
	case PROTOBUF_C_TYPE_ENUM:
		return parse_enum(field->descriptor, value, dst, why);
	case PROTOBUF_C_TYPE_STRING:
		*why = "expected a string";
		if (!json_is_string(value))
			return -EINVAL;
		return store_string(json_string_value(value), dst);
	case PROTOBUF_C_TYPE_BYTES:
		return parse_bytes(value, dst, why);
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
	*why = "not a scalar";
	return -EINVAL;
}

int pbjson_map_key(const ProtobufCFieldDescriptor *field, const char *key, void *dst,
		   const char **why)
{
	struct integer n;
	int r;

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return store_string(key, dst);
	if (field->type == PROTOBUF_C_TYPE_BOOL) {
		*why = "expected \"true\" or \"false\"";
		if (strcmp(key, "true") != 0 && strcmp(key, "false") != 0)
			return -EINVAL;
		*(protobuf_c_boolean *)dst = key[0] == 't';
		return 0;
	}
	r = integer_from_text(key, &n, why);
	return r < 0 ? r : store_integer(field->type, &n, dst, why);
}
