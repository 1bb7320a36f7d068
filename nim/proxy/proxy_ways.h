/* SPDX-License-Identifier: Apache-2.0 */
/* By whom a port asks for a URL. Pure. */
#pragma once

struct arena;
struct Ew__ConnWays;
struct Ew__ProxyConfig;

/* By what is configured: the server of the URL's scheme, else that of SOCKS; nobody for exceptions.
 * In the arena, with what it borrows of config. */
struct Ew__ConnWays *proxy_ways_static(const struct Ew__ProxyConfig *config, const char *url,
				       struct arena *arena);
