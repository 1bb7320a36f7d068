/* SPDX-License-Identifier: Apache-2.0 */
/* What the exports share: items in an order that is the same every time. */
#pragma once

struct dp;
struct item;
struct spec;
struct strbuf;

/* Every item that exists, is wanted or is needed, by type and key; ended by NULL; free it. */
const struct item **export_items(const struct dp *dp);
void export_sort_by_scope(const struct item **items); /* those of no scope last */
void export_spec(const struct item *it, const struct spec *spec, struct strbuf *out);
