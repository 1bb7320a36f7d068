/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads EVE's DevicePortConfig JSON as EVE's own decoder (Go's encoding/json) does:
 *
 *   keys       any case; the last of several spellings wins, objects are filled in by each; all
 *              of them must be right; unknown ones are skipped
 *   null       is "not given", also where another spelling gives it
 *   integers   literals without fraction or exponent, within the width of EVE's field
 *   times      RFC 3339; Go's zero time 0001-01-01T00:00:00Z becomes "not set"; "" is refused
 *   addresses  net.IP: "" or an address
 *   UUIDs      "" is refused, as EVE does
 *   bytes      standard base64 with padding; line breaks are skipped
 *
 * Beyond EVE, which silently loses them: NtpServer (appended to NTPServers) and ProxyCertPEM,
 * CipherData (the same as pubsub-large-ProxyCertPEM, pubsub-large-CipherData).
 * Pure: no I/O, no clock.
 */
#pragma once

#include <stddef.h>

#include "base/pbjson.h"

#define DPC_JSON_MAX 16384 /* bytes of a file, as in EVE */

struct Dpc__Config;

/*
 * 0, -EINVAL, -E2BIG or -ENOMEM with err filled in; *ret is freed by dpc__config__free_unpacked().
 * Nothing is judged beyond the shape: dpc_ports() does that, port by port.
 */
int dpc_json_parse(const char *text, size_t len, struct Dpc__Config **ret,
		   struct pbjson_error *err);
