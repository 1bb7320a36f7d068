/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway ports NAME says of a wireless port. Pure. */
#pragma once

#include <stdbool.h>

struct port_facts;

/* Calls tell with the name and the text of each line; none for a port with a cable. */
void port_radio(const struct port_facts *port,
		void (*tell)(const char *name, const char *text, void *arg), void *arg);
/* What to do about it, a sentence for each. True: what keeps it from working is its radio. */
bool port_radio_hints(const struct port_facts *port, void (*tell)(const char *hint, void *arg),
		      void *arg);
