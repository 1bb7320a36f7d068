/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port configuration (the candidate) tried beside the one in force (the working one). Pure.
 *
 *	eth0  192.168.1.2/24  the working one's: routes, rules, default as ever
 *	      192.168.1.77/24 the candidate's: on the interface, counts for nothing
 *	eth7                  the candidate's alone: up, with addresses, its own table and rules,
 *	                      no default route, no DNS, not told of
 *	rule 14990 from 192.168.1.77 lookup TRIAL_TABLE+number
 *	                      what is sent from it leaves by the candidate's gateway
 *
 * Merged, the working configuration is what it was but for the additions, so that leaving the
 * candidate is to apply the working one alone, and committing it to apply the candidate alone.
 */
#pragma once

#include "nim/facts.h"

struct dp_graph;

#define NIM_BESIDE_SCOPE "trial"
#define NIM_WHY 160

/* May candidate be tried without disturbing working? Else why says what is in the way. */
bool nim_beside_fits(const struct nim_config *working, const struct nim_config *candidate,
		     char why[NIM_WHY]);

/* Adds the candidate to the working one it fits. */
void nim_beside_merge(struct nim_config *working, const struct nim_config *candidate);

/* Once numbers are given: the candidate's ports get those of the merged ones. */
void nim_beside_numbers(struct nim_config *candidate, const struct nim_config *merged);

/* What would be the candidate's if it were in force. facts are of merged. */
void nim_beside_facts(const struct nim_config *candidate, const struct nim_config *merged,
		      const struct nim_facts *facts, struct nim_facts *ret);

/* Rules and tables for the candidate's addresses on shared ports; facts and view are its own. */
struct dp_graph *nim_beside_intent(const struct nim_config *candidate,
				   const struct nim_config *merged, const struct nim_facts *facts,
				   const struct nim_view *view);
