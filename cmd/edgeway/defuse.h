/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names come from a controller far away: nothing in them may speak to the terminal. Replaces
 * control characters, and bytes that are no UTF-8, by question marks. */
void defuse(char *text);
