/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of certificates, and that damaged ones are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/cert.h"
#include "base/cleanup.h"
#include "tests/unit/cert_samples.h"
#include "tests/unit/key_samples.h"

static void tells_whose_it_is_and_how_long_it_holds(void **state)
{
	struct cert cert;

	(void)state;
	assert_int_equal(cert_parse_pem(cert_named, strlen(cert_named), &cert), 0);
	assert_string_equal(cert.common_name, "edge-7.example");
	assert_string_equal(cert.uri, "urn:edge:7");
	assert_int_equal(cert.not_before_s, 1767225600);
	assert_int_equal(cert.not_after_s, 1798761600);
}

static void takes_years_beyond_2050_and_subjects_without_common_name(void **state)
{
	struct cert cert;

	(void)state;
	assert_int_equal(cert_parse_pem(cert_far, strlen(cert_far), &cert), 0);
	assert_string_equal(cert.common_name, "");
	assert_int_equal(cert.not_after_s, 4073774706);
}

static void skips_what_stands_before_the_first(void **state)
{
	_cleanup_(freep) char *text =
		xasprintf("Certificate:\n  Data:\n%s%s", cert_named, cert_far);
	struct cert cert;

	(void)state;
	assert_int_equal(cert_parse_pem(text, strlen(text), &cert), 0);
	assert_string_equal(cert.common_name, "edge-7.example");
}

static void what_is_none_is_refused_and_nothing_is_written(void **state)
{
	static const char *const bad[] = {
		"-----BEGIN CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	};
	_cleanup_(freep) char *cut = xstrdup(cert_named);
	struct cert cert, kept;

	(void)state;
	memset(&cert, 0x55, sizeof(cert));
	kept = cert;
	assert_int_equal(cert_parse_pem("hello", 5, &cert), -ENOMSG);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cert_parse_pem(bad[i], strlen(bad[i]), &cert), -EINVAL);
	*strrchr(cut, '\n') = '-';
	strstr(cut, "\n-----END")[0] = '\0';
	assert_int_equal(cert_parse_pem(cut, strlen(cert_named), &cert), -EINVAL);
	assert_memory_equal(&cert, &kept, sizeof(cert));
}

/* Text that goes on behind a NUL: as it is, ASan has to find nothing. */
static void a_byte_that_is_no_text_is_refused(void **state)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE-----\nMIIB\0"
		"MIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIB\n-----END CERTIFICATE-----\n";
	struct cert cert;

	(void)state;
	assert_int_equal(cert_parse_pem(pem, sizeof(pem) - 1, &cert), -EINVAL);
}

static void der_of(const char *pem, uint8_t **ret, size_t *ret_len)
{
	_cleanup_(freep) char *body = xstrdup(strchr(pem, '\n'));
	size_t n = 0;

	*strstr(body, "-----END") = '\0';
	for (const char *at = body; *at; at++)
		if (*at != '\n')
			body[n++] = *at;
	body[n] = '\0';
	assert_int_equal(base64_decode(body, ret, ret_len), 0);
}

/* Each cut, each byte changed: taken or refused, and never read beyond its end (sanitizers). */
static void no_damage_leads_astray(void **state)
{
	_cleanup_(freep) uint8_t *der = NULL;
	struct cert cert;
	size_t len;

	(void)state;
	der_of(cert_named, &der, &len);
	for (size_t cut = 0; cut < len; cut++) {
		_cleanup_(freep) uint8_t *copy = xmemdup(der, cut ? cut : 1);

		assert_int_equal(cert_parse(copy, cut, &cert), -EINVAL);
	}
	for (size_t i = 0; i < len; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			_cleanup_(freep) uint8_t *copy = xmemdup(der, len);

			copy[i] ^= (uint8_t)(1u << bit);
			(void)cert_parse(copy, len, &cert);
		}
}

static void keys_with_a_password_are_none(void **state)
{
	(void)state;
	assert_true(pem_has_private_key("-----BEGIN PRIVATE KEY-----\n"));
	assert_true(pem_has_private_key("-----BEGIN EC PRIVATE KEY-----\n"));
	assert_true(pem_has_private_key("-----BEGIN RSA PRIVATE KEY-----\n"));
	assert_false(pem_has_private_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
	assert_false(
		pem_has_private_key("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"));
	assert_false(pem_has_private_key(cert_named));
}

static void tells_the_key_of_another_certificate(void **state)
{
	static const char *const own[][2] = {
		{ ec_cert, ec_key },   { ec_cert, ec_key_sec1 },    { ec_cert, ec_key_compressed },
		{ rsa_cert, rsa_key }, { rsa_cert, rsa_key_pkcs1 }, { ed_cert, ed_key },
	};
	static const char *const others[][2] = {
		{ ec_cert, ec_other }, { ec_cert, rsa_key },	  { rsa_cert, rsa_other },
		{ rsa_cert, ec_key },  { cert_named, ec_key },	  { ec_cert, rsa_key_pkcs1 },
		{ cert_far, ec_key },  { rsa_cert, ec_key_sec1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		assert_false(pem_key_is_anothers(own[i][0], own[i][1]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_true(pem_key_is_anothers(others[i][0], others[i][1]));
}

static void says_nothing_of_keys_that_do_not_tell(void **state)
{
	_cleanup_(freep) char *cut = xstrdup(rsa_other);

	(void)state;
	assert_false(pem_key_is_anothers(ed_cert, ed_other));
	assert_false(pem_key_is_anothers(ed_cert, ec_key));
	assert_false(pem_key_is_anothers(ec_cert, ed_key));
	assert_false(pem_key_is_anothers("", ec_key));
	assert_false(pem_key_is_anothers(ec_cert, ""));
	strcpy(strstr(cut, "\n") + 13, "\n-----END PRIVATE KEY-----\n");
	assert_false(pem_key_is_anothers(rsa_cert, cut));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_whose_it_is_and_how_long_it_holds),
		cmocka_unit_test(takes_years_beyond_2050_and_subjects_without_common_name),
		cmocka_unit_test(skips_what_stands_before_the_first),
		cmocka_unit_test(what_is_none_is_refused_and_nothing_is_written),
		cmocka_unit_test(a_byte_that_is_no_text_is_refused),
		cmocka_unit_test(no_damage_leads_astray),
		cmocka_unit_test(keys_with_a_password_are_none),
		cmocka_unit_test(tells_the_key_of_another_certificate),
		cmocka_unit_test(says_nothing_of_keys_that_do_not_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
