/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of pbjson: what the parser and the formatter both must know about a field. */
#pragma once

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

/* The member of msg at a descriptor's offset. */
#define PBJSON_MEMBER(type, msg, offset) ((type *)((char *)(msg) + (offset)))
#define PBJSON_CMEMBER(type, msg, offset) ((const type *)((const char *)(msg) + (offset)))

/*
 * protobuf-c drops the map<> notion: such a field is a repeated message "…Entry" of exactly
 * key = 1 and value = 2. No hand-written message of ours looks like this.
 */
bool pbjson_is_map(const ProtobufCFieldDescriptor *field);
bool pbjson_is_timestamp(const ProtobufCMessageDescriptor *desc);
bool pbjson_is_oneof(const ProtobufCFieldDescriptor *field);

/* Does name equal the .proto name or its lowerCamelCase form? */
bool pbjson_name_matches(const char *proto_name, const char *name);
size_t pbjson_element_size(ProtobufCType type); /* of a repeated field in memory */
