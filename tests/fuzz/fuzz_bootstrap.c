/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a bootstrap-config.pb → verdict → what is published. The corpus has whole ones of the
 * root below; nothing else is believed, and what is has been signed by it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/verify.h"
#include "zedagent/bootstrap_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The one of tests/fuzz/corpus/fuzz_bootstrap: its key is nowhere any more. */
static const char root[] =
#include "tests/fuzz/bootstrap_root.h"
	;

static void must(bool so)
{
	if (!so)
		abort();
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '"')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bootstrap_input in = {
		.file = data, .len = size, .roots = root, .now_s = 50 * 86400
	};
	Ew__BootstrapVerdict *verdict = bootstrap_verify(&in);
	const struct za_bootstrap_input judged = { .file = "file", .verdict = verdict };
	struct za_config *config = NULL;
	Ew__BootstrapStatus *status;

	must(verdict->sha256.len == ZA_SHA_SIZE);
	must(is_plain(verdict->signer) && is_plain(verdict->error));
	must(!verdict->error[0] == (verdict->payload.len && !verdict->only_dates));
	status = za_bootstrap_judge(&judged, &config);
	must((config != NULL) == (status->state == EW__BOOTSTRAP_STATE__BOOTSTRAP_TAKEN));
	must(!config == (status->error[0] != '\0'));
	za_config_free(config);
	ew__bootstrap_status__free_unpacked(status, NULL);
	ew__bootstrap_verdict__free_unpacked(verdict, NULL);
	/* Nor does a payload harm that somebody has signed. */
	(void)za_bootstrap_map(&(ProtobufCBinaryData){ size, (uint8_t *)(uintptr_t)data }, &config,
			       &(struct pbjson_error){ "", "" });
	za_config_free(config);
	return 0;
}
