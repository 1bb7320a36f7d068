/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name resolution of this process, in the place of libc's: libpacparser asks getaddrinfo() for
 * dnsResolve(), isInNet() and the like. It knows what is in the request, and asks nobody.
 */
#pragma once

#include "cmd/pac-eval/ask.h"

void names_use(const struct ask *ask); /* borrowed from now on */
