/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a stored list of port configurations → list → the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "nim/dpc/dpc_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void survives_being_stored(struct dpc_list *list)
{
	struct strbuf text = STRBUF_INIT, again = STRBUF_INIT;
	struct dpc_list loaded = { 0 };
	struct pbjson_error err;

	dpc_list_format(list, &text);
	must(dpc_list_parse(text.str, text.len, &loaded, &err) == 0 && loaded.n == list->n);
	dpc_list_format(&loaded, &again);
	must(strcmp(text.str, again.str) == 0);
	must((list->n == 0) == !dpc_list_in_force(list));
	dpc_list_fini(&loaded);
	strbuf_fini(&text);
	strbuf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pbjson_error err = { "", "" };
	struct dpc_list list = { 0 };
	int r = dpc_list_parse((const char *)data, size, &list, &err);

	must(r == 0 || (err.why[0] && list.n == 0));
	if (r == 0)
		survives_being_stored(&list);
	dpc_list_fini(&list);
	return 0;
}
