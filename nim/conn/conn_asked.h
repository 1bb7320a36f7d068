/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of a round that are tested remotely: those that need nothing else by one run of
 * conn-test, each with a PAC file by one of its own, once the file has said by which proxies.
 */
#pragma once

#include "nim/conn/conn_round.h"

struct conn_asked;

/* n ports by their indexes in the configuration, in the order of request, which is borrowed for the
 * call. With a PAC file it is one port. What is found goes to the round; failures, too. */
void conn_asked_start(struct conn_round *round, const unsigned int *port, unsigned int n,
		      const struct Ew__ConnRequest *request);
/* All of the round, without a callback. */
void conn_asked_free_all(struct conn_round *round);
