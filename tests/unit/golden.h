/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden text: a test's output compared with tests/unit/golden/<name>.txt. With GOLDEN=update in
 * the environment the file is written instead; read the difference before it is committed.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"

static inline void golden_text(const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("tests/unit/golden/%s.txt", name);
	_cleanup_(freep) char *want = NULL;
	size_t len;

	if (getenv("GOLDEN"))
		assert_int_equal(file_replace_volatile(path, text, strlen(text), 0644), 0);
	assert_int_equal(file_read(path, 1 << 20, &want, &len), 0);
	assert_string_equal(text, want);
}

/* Adds a graph's print to out and frees the graph. */
static inline void golden_graph(struct dp_graph *g, struct strbuf *out)
{
	assert_int_equal(dp_graph_error(g), 0); /* or nothing of it would be made */
	dp_graph_print(g, out);
	dp_graph_free(g);
}
