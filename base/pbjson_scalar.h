/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of pbjson: one JSON value to one field value in memory. */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Stores at dst (of pbjson_element_size()) what value says. Not for messages. 0, -EINVAL with
 * *why a constant text, or -ENOMEM. Strings and bytes stored are the message's to free.
 */
int pbjson_scalar(const ProtobufCFieldDescriptor *field, const json_t *value, void *dst,
		  const char **why);

/* A map key, which is always text in JSON: string, bool or a number in canonical form. */
int pbjson_map_key(const ProtobufCFieldDescriptor *field, const char *key, void *dst,
		   const char **why);
