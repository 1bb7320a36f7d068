/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct strbuf;

/*
 * Text of any kind (JSON, command lines, tables) without what opens something: values of names like
 * password, psk, secret or token ("name": "value", name=value, name: value), what PEM encloses, the
 * long words of SSH keys, user:password in URLs. Each becomes "***". Names and the rest stay. What
 * bears no such mark is not known to be a secret.
 */
void redact(const char *text, size_t len, struct strbuf *out);
