/* SPDX-License-Identifier: Apache-2.0 */
/* The list of port configurations, as nim tells it. */
#pragma once

#include "status.pb-c.h"

struct strbuf;

/* 0, or the exit status after a complaint. Freed by ew__device_port_config_list__free_unpacked(). */
int dpc_fetch(Ew__DevicePortConfigList **ret);
const Ew__DpcEntry *dpc_find(const Ew__DevicePortConfigList *dpcs, const char *key); /* or NULL */
/* The line of one of them, and why it does not work. */
void dpc_add_line(const Ew__DevicePortConfigList *dpcs, const Ew__DpcEntry *e, struct strbuf *out);
void dpc_add_ports(const Ew__DpcEntry *e, struct strbuf *out); /* a line for each */
void dpc_print(struct strbuf *text); /* empties it */
