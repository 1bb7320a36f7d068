/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct strbuf;

void base64_encode(const void *data, size_t len, struct strbuf *out); /* standard, padded */

/* Standard or URL alphabet, padded or not; no blanks. 0, -EINVAL or -ENOMEM. *ret is the caller's
 * to free, NULL when the text is empty. */
int base64_decode(const char *s, uint8_t **ret, size_t *ret_len);
