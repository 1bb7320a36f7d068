/* SPDX-License-Identifier: Apache-2.0 */
/* What is written down of a helper process, so that the next run of the daemon understands it. */
#pragma once

#include "dataplane/items/proc.h"

void proc_command_fini(struct proc_command *cmd);

void *proc_spec_dup(const struct dp_type *type, const void *spec);
void proc_spec_drop(const struct dp_type *type, void **spec); /* and sets it NULL */

char *proc_id(const struct dp_type *type, const void *spec); /* "dnsmasq.bn1"; caller frees */
char *proc_id_path(const struct dp *dp, const char *id, const char *suffix);

int proc_record_save(const struct dp *dp, const struct proc_kind *kind, const char *id,
		     const void *spec, const struct proc_command *cmd);
/* The spec it was started with; ret by proc_spec_drop(). -ESTALE: we would start it by another
 * command now. */
int proc_record_load(const struct dp *dp, const struct proc_kind *kind, const char *id, void **ret);
