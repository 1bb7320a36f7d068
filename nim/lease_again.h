/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client whose lease is refused is started anew, with a pause: what it was told leaves the
 * interface with it, and another server may answer first. dhcpcd itself would keep such a lease,
 * and after some of them it hears no better one.
 */
#pragma once

struct lease_again;
struct nim;

struct lease_again *lease_again_new(struct nim *nim);
struct lease_again *lease_again_free(struct lease_again *l);
void lease_again_refused(struct lease_again *l); /* some lease is, as facts have it */
