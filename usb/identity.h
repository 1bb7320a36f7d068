/* SPDX-License-Identifier: Apache-2.0 */
/* Who this node is, as files for a stick with a folder identity: EVE's names, where we have them. */
#pragma once

/*
 * Writes FOLDER/SERIAL/: certificates, soft_serial and hardwaremodel of config_dir, as far as they
 * are there; hardwaremodel.txt; uuid. SERIAL is soft_serial, else uuid, else "unknown". uuid may be
 * "". 0 or -errno.
 */
int identity_write(const char *folder, const char *config_dir, const char *uuid);
