/* SPDX-License-Identifier: Apache-2.0 */
/* "firewall" at nim's control door: what each rule has let in or kept out. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct dp;
struct nim_switches;

/* A table for people, or with json set an array of objects. 0, or -errno when the kernel does not
 * tell; nothing at all without a firewall. */
int nim_firewall_show(struct dp *dp, const struct nim_switches *switches, bool json, FILE *out);
