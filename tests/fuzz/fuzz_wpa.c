/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from wpa_supplicant's control socket, in which an authenticator has its say. */
#include <assert.h>
#include <string.h>

#include "nim/pnac/wpa_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char why[WPA_WHY] = "";
	struct wpa_status status;
	struct wpa_mib mib;

	if (wpa_status_parse(text, size, &status) == 0)
		assert(status.state >= PNAC_DISCONNECTED && status.state <= PNAC_HELD);
	(void)wpa_mib_parse(text, size, &mib);
	(void)wpa_event_parse(text, size, why);
	assert(strlen(why) < sizeof(why));
	for (const char *at = why; *at; at++)
		assert(*at >= ' ' && *at <= '~');
	return 0;
}
