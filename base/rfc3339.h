/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, RFC 3339 in the range of google.protobuf.Timestamp (years 1 to 9999). */
#pragma once

#include <stdint.h>

struct strbuf;

/* "2026-03-04T05:06:07Z", a fraction of 1 to 9 digits and offsets are fine. 0 or -EINVAL. */
int rfc3339_parse(const char *s, int64_t *ret_seconds, int32_t *ret_nanos);

/* In UTC, with 0, 3, 6 or 9 digits of fraction. -ERANGE outside of the range. */
int rfc3339_format(int64_t seconds, int32_t nanos, struct strbuf *out);
