/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that belong to apps, stored: a start must not touch them before zedagent has spoken. */
#pragma once

#include "nim/cards.h"

struct daemon;
struct stored;

/* Loads what is stored into cards. 0 or -errno. */
int nim_assigned_open(struct nim_cards *cards, const struct daemon *d, struct stored **ret);

/* Takes over and stores msg; NULL is none. True: other cards are assigned now. */
bool nim_assigned_set(struct nim_cards *cards, struct stored *stored,
		      const struct Ew__AssignedAdapters *msg);
