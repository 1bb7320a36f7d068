/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a bootstrap-config.pb from the controller this device trusts? By EVE's rules:
 *
 *	the signing certificate's PEM text has the hash that the container names,
 *	its key has signed the payload: ECDSA (r and s) or RSA (PKCS #1 v1.5), with SHA-256,
 *	it is valid, and of its own controller certificates each that has a key of the controller
 *	chains by the intermediate ones to a certificate of the device's root-certificate.pem.
 *
 * It is about the time in config_timestamp if the clock is behind that: a file that was signed then
 * shows that the clock is wrong, as that of a machine without battery is at its first boot.
 *
 * Runs OpenSSL over bytes of strangers: for the helper bootstrap-config alone.
 */
#pragma once

#include <stdint.h>

#include "bootstrap.pb-c.h"

struct bootstrap_input { /* borrowed */
	const void *file;
	size_t len;
	const char *roots; /* PEM text */
	int64_t now_s; /* what the clock says, Unix time */
};

/* Never NULL; what is wrong stands in it. Freed by ew__bootstrap_verdict__free_unpacked(). */
Ew__BootstrapVerdict *bootstrap_verify(const struct bootstrap_input *in);

/* One that says no more than why; pointer "": nowhere in the file. Likewise freed. */
Ew__BootstrapVerdict *bootstrap_verdict_error(const char *pointer, const char *why);
