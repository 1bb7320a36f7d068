/* SPDX-License-Identifier: Apache-2.0 */
/* Policy of single lease values, shared by the file's reader and the hook. All -EINVAL. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/lease.h"

int lease_number(const char *s, uint64_t max, uint64_t *ret);
int lease_name(const char *s, char *ret, size_t size); /* ret is zeroed behind the name */
int lease_url(const char *s, char ret[HTTP_URL_MAX]); /* http_url_parse(); the same */
int lease_add_addr(struct dp_lease *lease, const char *s);
int lease_add_server(struct ipaddr *list, uint8_t *count, const char *s);
int lease_add_search(struct dp_lease *lease, const char *s);
