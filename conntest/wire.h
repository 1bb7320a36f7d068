/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on the pipe between nim and conn-test: four bytes of length, most significant first,
 * then the message (api/bus/conntest.proto). */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define CONN_WIRE_HEAD 4
#define CONN_WIRE_MAX (1u << 20) /* bytes of a message */

struct strbuf;

void conn_wire_add(const ProtobufCMessage *msg, struct strbuf *out);

/*
 * Looks at what has come so far. Positive: that many bytes are a whole frame, behind whose head
 * the message is; 0: more has to come; -EMSGSIZE: nonsense.
 */
int conn_wire_next(const uint8_t *data, size_t len);
