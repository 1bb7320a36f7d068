/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pac-eval/names.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

#define OURSELVES "localhost" /* what myIpAddress() and myIpAddressEx() ask for at last */

static const struct ask *known;

void names_use(const struct ask *ask)
{
	known = ask;
}

/* ---- Of libc ---- */

int gethostname(char *name, size_t len)
{
	strncpy(name, OURSELVES, len);
	return 0;
}

static struct addrinfo *add(struct addrinfo *list, const struct ipaddr *addr, int family)
{
	struct {
		struct addrinfo info;
		union {
			struct sockaddr_in four;
			struct sockaddr_in6 six;
		};
	} * one;

	if (!ipaddr_is_set(addr) || (family != AF_UNSPEC && family != addr->family))
		return list;
	one = xcalloc(1, sizeof(*one));
	one->info.ai_family = addr->family;
	one->info.ai_socktype = SOCK_STREAM;
	one->info.ai_next = list;
	if (addr->family == AF_INET) {
		one->four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = addr->v4 };
		one->info.ai_addr = (struct sockaddr *)&one->four;
		one->info.ai_addrlen = sizeof(one->four);
	} else {
		one->six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = addr->v6 };
		one->info.ai_addr = (struct sockaddr *)&one->six;
		one->info.ai_addrlen = sizeof(one->six);
	}
	return &one->info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	int family = hints ? hints->ai_family : AF_UNSPEC;
	struct addrinfo *list = NULL;
	struct ipaddr literal;

	(void)service;
	if (!name || !known)
		return EAI_NONAME;
	if (ipaddr_parse(name, &literal) == 0)
		list = add(NULL, &literal, family);
	else if (strcmp(name, OURSELVES) == 0)
		list = add(NULL, &known->own, family);
	for (unsigned int i = 0; !list && i < known->nnames; i++) {
		const struct ask_name *one = &known->names[i];

		if (strcasecmp(one->name, name) != 0)
			continue;
		for (unsigned int j = one->naddrs; j-- > 0;)
			list = add(list, &one->addrs[j], family);
	}
	if (!list)
		return EAI_NONAME;
	*ret = list;
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list);
		list = next;
	}
}
