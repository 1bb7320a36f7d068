/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/port_switch.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define PREFIX "edgeway.port."

uint32_t item_number(const char *value, uint32_t min, uint32_t max, uint32_t otherwise)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	return *value && !*end && n >= min && n <= max ? (uint32_t)n : otherwise;
}

/* Labels may have dots. */
static size_t label_length(const char *key, const char *name)
{
	size_t prefix = strlen(PREFIX), suffix = strlen(name), len = strlen(key);

	if (len <= prefix + 1 + suffix || strncmp(key, PREFIX, prefix) != 0 ||
	    key[len - suffix - 1] != '.' || strcmp(key + len - suffix, name) != 0)
		return 0;
	return len - prefix - 1 - suffix;
}

bool port_switch_load(struct port_switch *s, const char *item, const char *name, const char *key,
		      const char *value)
{
	size_t len = label_length(key, name);
	struct port_switch_one *one;

	if (strcmp(key, item) == 0) {
		s->off = strcasecmp(value, "off") == 0;
		return true;
	}
	if (!len)
		return false;
	if (len >= NIM_LABEL || s->nports == NIM_PORTS)
		return true;
	s->ports = xrealloc(s->ports, s->nports + 1, sizeof(*s->ports));
	one = &s->ports[s->nports++];
	*one = (struct port_switch_one){ .on = strcasecmp(value, "on") == 0 };
	memcpy(one->label, key + strlen(PREFIX), len);
	return true;
}

void port_switch_fini(struct port_switch *s)
{
	free(take_ptr(s->ports));
	s->nports = 0;
}

bool port_switch_equal(const struct port_switch *a, const struct port_switch *b)
{
	return a->off == b->off && a->nports == b->nports &&
	       (!a->nports || memcmp(a->ports, b->ports, a->nports * sizeof(*a->ports)) == 0);
}

bool port_switch_allows(const struct port_switch *s, const struct nim_port *port, bool metered)
{
	for (unsigned int i = 0; i < s->nports; i++)
		if (strcmp(s->ports[i].label, port->label) == 0)
			return s->ports[i].on;
	return !s->off && port->cost == 0 && !metered;
}
