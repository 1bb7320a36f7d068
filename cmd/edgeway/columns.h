/* SPDX-License-Identifier: Apache-2.0 */
/* Text in columns of a terminal. */
#pragma once

#include <stdio.h>

/* Characters, as wide as they are in the scripts that most people name things in. */
unsigned int columns_of(const char *text);
/* The width of the terminal that stdout is; 0: it is none. */
unsigned int columns_terminal(void);
/* Words, until the next does not fit into room columns; then on a line of its own, indented. A comma
 * ends a word, too: lists of addresses are long. The first line is not indented; ends with a newline. */
void columns_wrap(const char *text, unsigned int indent, unsigned int room, FILE *out);
