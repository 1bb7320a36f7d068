/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc check FILE [ROOTS]: what a file would do, without a node to do it. */
#pragma once

/* roots: certificates that may have signed a bootstrap-config.pb; NULL: root-certificate.pem beside
 * it, else of /config. The exit status: 0 when nothing is wrong. */
int dpc_check(const char *file, const char *roots);
