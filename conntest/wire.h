/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on the pipe between nim and its helpers conn-test and pac-eval: four bytes of length,
 * most significant first, then the message (api/bus/conntest.proto, paceval.proto). */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define CONN_WIRE_HEAD 4
#define CONN_WIRE_MAX (2u << 20) /* bytes of a message: there is room for a PAC file */

struct strbuf;

void conn_wire_add(const ProtobufCMessage *msg, struct strbuf *out);

/*
 * Looks at what has come so far. Positive: that many bytes are a whole frame, behind whose head
 * the message is; 0: more has to come; -EMSGSIZE: nonsense.
 */
int conn_wire_next(const uint8_t *data, size_t len);
