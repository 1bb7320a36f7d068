/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to the helper while it talks to the network. */
#pragma once

/* Bounds of memory, descriptors and time. Before anything is read. */
void conn_limit_resources(void);

/* Becomes nobody, with the calls that curl, c-ares and OpenSSL make once they are set up (base/sandbox.h): sockets of IP
 * and files to read, for the roots are looked up one by one. 0 or -errno. */
int conn_limit_calls(void);
