/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the model in files: what they number stands in the system under them. */
#pragma once

struct event_base;
struct zr_model;

/* 0 or -errno; zr_numbers_free() in any case. */
int zr_numbers_open(struct zr_model *m, struct event_base *base, const char *run_dir,
		    const char *state_dir);
void zr_numbers_free(struct zr_model *m);
/* Before numbers given since are used; an error is logged. */
void zr_numbers_sync(struct zr_model *m);
/* The inputs are complete: releases the numbers of those that are no more. */
void zr_numbers_retain(struct zr_model *m);
