/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chrony gets the NTP servers of the ports (nim/ntp/ntp.h) while it runs: a file in its folder of
 * sources, and the word to read it again. Where it does not run nothing is touched.
 */
#pragma once

#include "nim/facts.h"

#define NIM_CHRONY_SOURCES "/run/chrony-dhcp" /* as Debian's chrony.conf has it */

struct arena;
struct daemon;
struct dp;
struct nim_chrony;
struct Ew__NtpStatus;

/* folder: of sources; NULL: NIM_CHRONY_SOURCES. changed() runs from the loop when chrony came or
 * went. -EINVAL, -ENAMETOOLONG: that is no path of a folder. */
int nim_chrony_new(const struct daemon *d, const char *folder, void (*changed)(void *arg),
		   void *arg, struct nim_chrony **ret);
struct nim_chrony *nim_chrony_free(struct nim_chrony *c); /* the file stays */

void nim_chrony_apply(struct nim_chrony *c, struct dp *dp, const struct nim_config *config,
		      const struct nim_facts *facts);
/* The engine has worked: if the file is another now, chrony is told. */
void nim_chrony_look(struct nim_chrony *c, const struct dp *dp);
struct Ew__NtpStatus *nim_chrony_status(const struct nim_chrony *c, const struct dp *dp,
					const struct nim_config *config,
					const struct nim_facts *facts, struct arena *arena);
