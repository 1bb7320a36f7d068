/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway ports shows of what ports_model.h knows; here is neither bus nor terminal. */
#pragma once

#include <stdio.h>

#include "cmd/edgeway/ports_model.h"

/* One row a port under a headline, lists of values below one another; what is wider than look gets its
 * lists on lines below. Returns how many ports have an error. */
unsigned int ports_print(const struct ports *ports, const struct status_look *look, FILE *out);
/* All about one port, a line for each thing. */
void ports_print_one(const struct ports *ports, const struct port_facts *port,
		     const struct status_look *look, FILE *out);
/* An array with all of that; only NULL: of every port. */
void ports_print_json(const struct ports *ports, const struct port_facts *only, FILE *out);
