/* SPDX-License-Identifier: Apache-2.0 */
/* What main() alone needs besides commands.h. */
#pragma once

#include <stdbool.h>

/* Takes the common options out of argv and shifts the rest; false after a complaint. */
bool cli_take_options(int *argc, char *argv[]);
