/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cert.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/civil.h"
#include "base/cleanup.h"
#include "base/utf8.h"

/* ---- DER (X.690) ---- */

enum {
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_TELETEX = 0x14,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_URI = 0x86, /* [6] of GeneralName */
	DER_VERSION = 0xa0,
	DER_PUBLIC = 0xa1,
	DER_EXTENSIONS = 0xa3,
};

struct der { /* what is left to read */
	const uint8_t *at;
	size_t len;
};

/* Takes the next element: its tag, 0 when there is none or it is damaged. */
static uint8_t der_next(struct der *d, struct der *ret)
{
	size_t head = 2, len;
	uint8_t tag;

	if (d->len < 2 || (d->at[0] & 0x1f) == 0x1f)
		return 0;
	tag = d->at[0];
	len = d->at[1];
	if (len & 0x80) {
		size_t n = len & 0x7f;

		if (n == 0 || n > 4 || d->len < 2 + n)
			return 0;
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | d->at[2 + i];
		head += n;
	}
	if (len > d->len - head)
		return 0;
	*ret = (struct der){ d->at + head, len };
	d->at += head + len;
	d->len -= head + len;
	return tag;
}

static bool der_take(struct der *d, uint8_t tag, struct der *ret)
{
	return der_next(d, ret) == tag;
}

static bool der_is_oid(const struct der *d, const uint8_t oid[static 3])
{
	return d->len == 3 && memcmp(d->at, oid, 3) == 0;
}

static bool is_plain(const char *text)
{
	for (unsigned int n; *text; text += n) {
		n = utf8_length(text);
		if (n == 0 || (unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

/* Text without control characters that fits; else ret stays as it is. */
static void der_text(const struct der *d, char *ret, size_t size)
{
	char text[256];

	if (d->len == 0 || d->len >= size || d->len >= sizeof(text) || memchr(d->at, 0, d->len))
		return;
	memcpy(text, d->at, d->len);
	text[d->len] = '\0';
	if (is_plain(text))
		memcpy(ret, text, d->len + 1);
}

/* ---- Certificate ---- */

static int digits(const uint8_t *at, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		value = value * 10 + at[i] - '0';
	}
	return value;
}

/* RFC 5280, 4.1.2.5: always UTC, always with seconds. */
static bool read_time(struct der *d, int64_t *ret)
{
	struct der v;
	uint8_t tag = der_next(d, &v);
	size_t wide = tag == DER_TIME ? 4 : 2;
	int part[6];

	if ((tag != DER_UTC_TIME && tag != DER_TIME) || v.len != wide + 11 ||
	    v.at[v.len - 1] != 'Z')
		return false;
	part[0] = digits(v.at, wide);
	for (size_t i = 1; i < 6; i++)
		part[i] = digits(v.at + wide + 2 * (i - 1), 2);
	for (size_t i = 0; i < 6; i++)
		if (part[i] < 0)
			return false;
	if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31)
		return false;
	if (tag == DER_UTC_TIME)
		part[0] += part[0] < 50 ? 2000 : 1900;
	*ret = civil_days(part[0], (unsigned int)part[1], (unsigned int)part[2]) * CIVIL_DAY_S +
	       part[3] * 3600 + part[4] * 60 + part[5];
	return true;
}

static void read_name(struct der name, struct cert *ret)
{
	static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };
	struct der set, pair, oid, value;

	while (der_take(&name, DER_SET, &set)) {
		while (der_take(&set, DER_SEQUENCE, &pair)) {
			uint8_t tag;

			if (!der_take(&pair, DER_OID, &oid) || !der_is_oid(&oid, common_name))
				continue;
			tag = der_next(&pair, &value);
			if (tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_TELETEX ||
			    tag == DER_IA5)
				der_text(&value, ret->common_name, sizeof(ret->common_name));
		}
	}
}

static void read_alternatives(struct der octets, struct cert *ret)
{
	struct der names, name;
	uint8_t tag;

	if (!der_take(&octets, DER_SEQUENCE, &names))
		return;
	while ((tag = der_next(&names, &name)))
		if (tag == DER_URI && !ret->uri[0])
			der_text(&name, ret->uri, sizeof(ret->uri));
}

static void read_extensions(struct der all, struct cert *ret)
{
	static const uint8_t alternatives[] = { 0x55, 0x1d, 0x11 };
	struct der list, one, oid, value;

	if (!der_take(&all, DER_SEQUENCE, &list))
		return;
	while (der_take(&list, DER_SEQUENCE, &one)) {
		uint8_t tag;

		if (!der_take(&one, DER_OID, &oid) || !der_is_oid(&oid, alternatives))
			continue;
		do /* whether it is critical stands before it */
			tag = der_next(&one, &value);
		while (tag && tag != DER_OCTETS);
		if (tag)
			read_alternatives(value, ret);
	}
}

int cert_parse(const void *der, size_t len, struct cert *ret)
{
	struct der all = { der, len }, whole, tbs, validity, subject, part;
	struct cert cert = { 0 };
	uint8_t tag;

	if (!der_take(&all, DER_SEQUENCE, &whole) || !der_take(&whole, DER_SEQUENCE, &tbs))
		return -EINVAL;
	tag = der_next(&tbs, &part);
	if (tag == DER_VERSION)
		tag = der_next(&tbs, &part);
	if (tag != DER_INTEGER || !der_take(&tbs, DER_SEQUENCE, &part) /* how it is signed */ ||
	    !der_take(&tbs, DER_SEQUENCE, &part) /* the issuer */ ||
	    !der_take(&tbs, DER_SEQUENCE, &validity) || !der_take(&tbs, DER_SEQUENCE, &subject))
		return -EINVAL;
	if (!read_time(&validity, &cert.not_before_s) || !read_time(&validity, &cert.not_after_s))
		return -EINVAL;
	read_name(subject, &cert);
	while ((tag = der_next(&tbs, &part)))
		if (tag == DER_EXTENSIONS)
			read_extensions(part, &cert);
	*ret = cert;
	return 0;
}

/* ---- Public keys ---- */

/* What a certificate and a private key both tell: the modulus of RSA, the X coordinate of a point
 * of an elliptic curve. False: something else. */
static bool rsa_modulus(struct der sequence, struct der *ret)
{
	return der_take(&sequence, DER_INTEGER, ret);
}

/* SEC 1, 2.3.3: 04 X Y, or 02 or 03 and X. */
static bool ec_x(struct der bits, struct der *ret)
{
	struct der point = { bits.at + 1, bits.len - 1 };

	if (bits.len < 4 || bits.at[0] != 0)
		return false;
	if (point.at[0] == 4)
		*ret = (struct der){ point.at + 1, (point.len - 1) / 2 };
	else if (point.at[0] == 2 || point.at[0] == 3)
		*ret = (struct der){ point.at + 1, point.len - 1 };
	else
		return false;
	return true;
}

/* SubjectPublicKeyInfo, RFC 5280 4.1.2.7, of a certificate that cert_parse() took. */
static bool cert_public(struct der all, struct der *ret)
{
	static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
	static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
	struct der whole, tbs, part, algorithm, oid, bits, key;
	uint8_t tag;

	if (!der_take(&all, DER_SEQUENCE, &whole) || !der_take(&whole, DER_SEQUENCE, &tbs))
		return false;
	do /* its version, which may be missing */
		tag = der_next(&tbs, &part);
	while (tag == DER_VERSION);
	for (int i = 0; i < 5 && tag; i++) /* signature, issuer, validity, subject, and this */
		tag = der_next(&tbs, &part);
	if (tag != DER_SEQUENCE || !der_take(&part, DER_SEQUENCE, &algorithm) ||
	    !der_take(&algorithm, DER_OID, &oid) || !der_take(&part, DER_BITS, &bits))
		return false;
	if (oid.len == sizeof(ec) && memcmp(oid.at, ec, sizeof(ec)) == 0)
		return ec_x(bits, ret);
	if (oid.len != sizeof(rsa) || memcmp(oid.at, rsa, sizeof(rsa)) != 0 || bits.len < 2)
		return false;
	bits = (struct der){ bits.at + 1, bits.len - 1 };
	return der_take(&bits, DER_SEQUENCE, &key) && rsa_modulus(key, ret);
}

/* RFC 8017 A.1.2: SEQUENCE { version, modulus, … }; RFC 5915: SEQUENCE { version, OCTET STRING,
 * [0] curve, [1] BIT STRING public }; RFC 5208: SEQUENCE { version, algorithm, OCTET STRING of one
 * of the two }. */
static bool key_public(struct der all, struct der *ret)
{
	struct der key, part, bits;
	uint8_t tag;

	if (!der_take(&all, DER_SEQUENCE, &key) || !der_take(&key, DER_INTEGER, &part))
		return false;
	tag = der_next(&key, &part);
	if (tag == DER_SEQUENCE && der_take(&key, DER_OCTETS, &all)) {
		if (!der_take(&all, DER_SEQUENCE, &key) || !der_take(&key, DER_INTEGER, &part))
			return false;
		tag = der_next(&key, &part);
	}
	if (tag == DER_INTEGER) {
		*ret = part;
		return true;
	}
	while (tag && tag != DER_PUBLIC)
		tag = der_next(&key, &part);
	return tag && der_take(&part, DER_BITS, &bits) && ec_x(bits, ret);
}

/* ---- PEM (RFC 7468) ---- */

#define BEGIN "-----BEGIN "
#define END "-----END "
#define CERTIFICATE "CERTIFICATE-----"
#define PRIVATE_KEY "PRIVATE KEY-----"

struct secret { /* maybe: wiped at its end */
	uint8_t *data;
	size_t len;
};

static void secret_fini(struct secret *s)
{
	if (s->data)
		explicit_bzero(s->data, s->len);
	free(s->data);
}

/* The first object whose label ends so. -ENOMSG: none; -EINVAL. */
static int pem_decode(const char *text, size_t len, const char *label, struct secret *ret)
{
	const char *begin = memmem(text, len, label, strlen(label)), *end;
	_cleanup_(secret_fini) struct secret body = { 0 };
	struct secret der;
	size_t n = 0;
	int r;

	if (!begin)
		return -ENOMSG;
	begin += strlen(label);
	end = memmem(begin, len - (size_t)(begin - text), END, strlen(END));
	if (!end || memchr(begin, '\0', (size_t)(end - begin)))
		return -EINVAL;
	body.len = (size_t)(end - begin) + 1;
	body.data = (uint8_t *)xstrndup(begin, body.len - 1);
	for (const uint8_t *at = body.data; *at; at++)
		if (!strchr(" \t\r\n", *at))
			body.data[n++] = *at;
	body.data[n] = '\0';
	r = base64_decode((const char *)body.data, &der.data, &der.len);
	if (r < 0 || !der.data)
		return r < 0 ? r : -EINVAL;
	*ret = der;
	return 0;
}

int cert_parse_pem(const char *text, size_t len, struct cert *ret)
{
	_cleanup_(secret_fini) struct secret der = { 0 };
	int r = pem_decode(text, len, BEGIN CERTIFICATE, &der);

	return r < 0 ? r : cert_parse(der.data, der.len, ret);
}

bool pem_has_private_key(const char *text)
{
	/* Both ways to encrypt one say so: PKCS #8, and "Proc-Type: 4,ENCRYPTED". */
	return strstr(text, " " PRIVATE_KEY) && !strstr(text, "ENCRYPTED");
}

bool pem_key_is_anothers(const char *cert, const char *key)
{
	_cleanup_(secret_fini) struct secret c = { 0 }, k = { 0 };
	struct der one, other;

	return pem_decode(cert, strlen(cert), BEGIN CERTIFICATE, &c) == 0 &&
	       pem_decode(key, strlen(key), PRIVATE_KEY, &k) == 0 &&
	       cert_public((struct der){ c.data, c.len }, &one) &&
	       key_public((struct der){ k.data, k.len }, &other) &&
	       (one.len != other.len || memcmp(one.at, other.at, one.len) != 0);
}
