/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the verification of port configurations (nim/dpc/dpc_verify.h): feeds it with facts, rounds of
 * tests and time, applies what it chooses, stores and tells what comes of it.
 */
#pragma once

struct conn_round_ops;
struct nim;
struct nim_verify;
struct Ew__DevicePortConfigList;

/* The list is loaded: chooses from it. 0 or -ENOMEM. */
int nim_verify_open(struct nim *nim);
struct nim_verify *nim_verify_free(struct nim_verify *nv); /* NULL is fine */

void nim_verify_list_changed(struct nim_verify *nv); /* by a source; takes effect at once */
/* The ports of the running configuration are others: results of rounds under way are not theirs. */
void nim_verify_void(struct nim_verify *nv);
/* Ports may be other interfaces: nim_set_config(), and whether a candidate fits is asked again. */
void nim_verify_cards(struct nim_verify *nv);
void nim_verify_look(struct nim_verify *nv); /* facts may have changed; NULL is fine */
void nim_verify_items(struct nim_verify *nv); /* the timers may be others */
/* Of rounds over the configuration in force that others begin; arg: nim. */
extern const struct conn_round_ops nim_verify_rounds;
void nim_verify_apply(struct nim *nim); /* before the engine runs: what a candidate needs */
void nim_verify_tell(const struct nim_verify *nv, struct Ew__DevicePortConfigList *ret);
