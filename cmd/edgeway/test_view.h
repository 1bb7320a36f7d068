/* SPDX-License-Identifier: Apache-2.0 */
/* What the last connectivity test of a port says. Pure. */
#pragma once

#include <stdbool.h>

#include "status.pb-c.h"

struct strbuf;

/* One word: "ok", "failed:tls", "remote:http", "waits:gateway"; "" when there was no test, when link
 * or address failed, which the port's error tells, or when nothing was sent and nothing is wrong.
 * test may be NULL. */
void test_word(const Ew__PortTest *test, struct strbuf *out);
/* A sentence: "passed in 31 ms by https://…", "failed at DNS: …". */
void test_sentence(const Ew__PortTest *test, struct strbuf *out);
/* Whether it failed at the gateway or farther off. test may be NULL. */
bool test_failed_far(const Ew__PortTest *test);
