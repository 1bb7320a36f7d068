/* SPDX-License-Identifier: Apache-2.0 */
/* NTP servers of the management ports, as chrony reads them (chrony.conf(5), sourcedir). Pure. */
#pragma once

#include "nim/facts.h"

#define NIM_NTP_SCOPE "ntp"
#define NIM_NTP_FILE "edgeway.sources" /* in the folder of sources */
#define NIM_NTP_SERVERS 32 /* of the node */

struct arena;
struct dp_graph;
struct strbuf;
struct Ew__NtpStatus;

/* Of all management ports, each once. Returns how many; strings are those of config and facts. */
unsigned int nim_ntp_servers(const struct nim_config *config, const struct nim_facts *facts,
			     const char *ret[NIM_NTP_SERVERS]);
/* Nothing when there is no server. */
void nim_ntp_sources(const struct nim_config *config, const struct nim_facts *facts,
		     struct strbuf *out);
/* Scope NIM_NTP_SCOPE: that text in a file. Empty without a folder (NULL) or without servers. */
struct dp_graph *nim_intent_ntp(const char *folder, const struct nim_config *config,
				const struct nim_facts *facts);
struct Ew__NtpStatus *nim_ntp_status(const char *folder, const char *problem,
				     const struct nim_config *config, const struct nim_facts *facts,
				     struct arena *arena);
