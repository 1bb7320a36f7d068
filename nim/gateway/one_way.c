/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/one_way.h"

bool one_way_look(struct one_way *w, uint64_t rx_bytes, uint64_t tx_bytes, struct mono now)
{
	struct one_way was = *w;

	if (was.at.ns && mono_diff_ms(now, was.at) < ONE_WAY_MS)
		return false;
	*w = (struct one_way){ .rx_bytes = rx_bytes, .tx_bytes = tx_bytes, .at = now };
	return was.at.ns && rx_bytes == was.rx_bytes && tx_bytes >= was.tx_bytes + ONE_WAY_BYTES;
}
