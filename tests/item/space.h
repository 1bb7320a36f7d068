/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine of one's own for a test: a child process in fresh network, mount and process namespaces
 * (and a fresh user namespace when we are not root) with an empty /run, lo up. Nothing it does is seen
 * outside, and all is gone when it ends, however it ends.
 */
#pragma once

#include <stdbool.h>

/* Runs fn(arg) in there; the calling test fails when fn does (by require() or any crash). */
void in_space(void (*fn)(const void *arg), const void *arg);

/* A test of cmocka that runs fn(NULL) in there. */
#define SPACE_TEST(name, fn)                                                                       \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		in_space(fn, NULL);                                                                \
	}

/* Inside: says what was wrong and ends the child. */
void wrong(const char *file, int line, const char *fmt, ...)
	__attribute__((__noreturn__, __format__(__printf__, 3, 4)));
#define require(condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			wrong(__FILE__, __LINE__, __VA_ARGS__);                                    \
	} while (0)

/* Runs a shell command, which must succeed (sh) or may fail (sh_try: its exit code). */
void sh(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
int sh_try(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Until each link that is up, in this and in all named namespaces, can send. The kernel activates a link
 * that gets its carrier when it gets its RTNL lock, and till then drops what is sent by it without a
 * word: who sends only once waits for it. None may be up without a carrier. */
void await_links(void);

/* Milliseconds to wait at most for something that takes ms: longer in the slow lab
 * (EDGEWAY_SLOW). */
unsigned int patience_ms(unsigned int ms);

/* Work takes half as long again as it takes of the processor, or somebody holds the kernel's RTNL lock
 * (tests/netns/stalls.py): a wait whose limit has passed begins anew then. */
bool machine_is_slow(void);
