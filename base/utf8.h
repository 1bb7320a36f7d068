/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 after RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#pragma once

/* Bytes in the sequence at s (NUL-terminated), 0 when it is none; a NUL counts one. */
unsigned int utf8_length(const char *s);
