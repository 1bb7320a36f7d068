/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of hmap keys: 16 bytes a step, each folded in by one 64x64→128 bit multiplication,
 * whose two halves xor-ed together mix every input bit into every output bit. Our keys are names
 * and addresses from an authenticated configuration: no keyed hash is needed.
 */
#include "base/hmap.h"

/* Odd constants with balanced bits: fractions of the square roots of 2, 3 and 5. */
#define HASH_K0 0x6a09e667f3bcc909u
#define HASH_K1 0xbb67ae8584caa73bu
#define HASH_K2 0x3c6ef372fe94f82bu

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load4(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint32_t hash_bytes(const void *data, size_t n, uint32_t seed)
{
	uint64_t h = HASH_K0 ^ mix(seed ^ HASH_K1, n ^ HASH_K2), a = 0, b = 0;
	const uint8_t *p = data;

	for (; n > 16; n -= 16, p += 16)
		h = mix(load8(p) ^ HASH_K1, load8(p + 8) ^ h);
	/* The last 1 to 16 bytes: two loads that may overlap. */
	if (n >= 8) {
		a = load8(p);
		b = load8(p + n - 8);
	} else if (n >= 4) {
		a = load4(p);
		b = load4(p + n - 4);
	} else if (n > 0) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
	}
	h = mix(a ^ HASH_K2, b ^ h);
	return (uint32_t)(h ^ h >> 32);
}

uint32_t hash_string(const char *s)
{
	return hash_bytes(s, strlen(s), 0);
}
