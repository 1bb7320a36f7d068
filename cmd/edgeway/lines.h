/* SPDX-License-Identifier: Apache-2.0 */
/* A page of lines, each with a name in front. */
#pragma once

#include <stdio.h>

struct strbuf;

/* Takes what is in text, made harmless for a terminal; nothing when it is empty. What is wider than
 * width goes on below; 0: it stays whole. */
void lines_add(const char *name, struct strbuf *text, unsigned int width, FILE *out);
