/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/graph/engine.h"

#include <errno.h>

/* The size is the type's own, a small constant; heap inside a spec is the type's to refuse. */
int spec_new(const struct dp_type *type, const void *data, struct spec **ret)
{
	struct spec *spec = xcalloc(1, sizeof(*spec) + type->size);
	int r;

	spec->refs = 1;
	if (type->copy) {
		r = type->copy(spec->data, data);
		if (r < 0) {
			free(spec);
			return r;
		}
	} else {
		memcpy(spec->data, data, type->size);
	}
	*ret = spec;
	return 0;
}

struct spec *spec_ref(struct spec *spec)
{
	if (spec)
		spec->refs++;
	return spec;
}

void spec_unref(const struct dp_type *type, struct spec *spec)
{
	if (!spec || --spec->refs > 0)
		return;
	if (type->clear)
		type->clear(spec->data);
	free(spec);
}

/*
 * Every byte the same. Padding may differ between equal values, and heap cannot be compared; then
 * the answer is no, and the caller takes the new value, which is never wrong, only slower.
 */
bool spec_equal(const struct dp_type *type, const void *a, const void *b)
{
	return a == b || (!type->copy && memcmp(a, b, type->size) == 0);
}
