/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap-config.pb: who is believed, at what time, and what follows from it. Each single thing
 * that may be wrong with a file: tests/netns/test_bootstrap.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bootstrap/signature.h"
#include "bootstrap/verify.h"
#include "nim/dpc/dpc_bootstrap.h"
#include "tests/unit/bootstrap_maker.h"
#include "tests/unit/za_config.h"
#include "zedagent/bootstrap_judge.h"

#define STATE(name) EW__BOOTSTRAP_STATE__BOOTSTRAP_##name

static Ew__BootstrapVerdict *verdict_at(const struct maker *m, int64_t timestamp_day,
					int64_t clock_day)
{
	struct bootstrap_input in = { .roots = m->root.pem, .now_s = clock_day * MAKER_DAY };
	_cleanup_(freep) uint8_t *file = maker_file(m, timestamp_day * MAKER_DAY, 32, &in.len);

	in.file = file;
	return bootstrap_verify(&in);
}

static void expect_at(const struct maker *m, int64_t timestamp_day, int64_t clock_day,
		      const char *why)
{
	Ew__BootstrapVerdict *v = verdict_at(m, timestamp_day, clock_day);

	assert_string_equal(v->error, why);
	assert_int_equal(v->only_dates, *why != '\0');
	assert_string_equal(v->error_pointer, *why ? "/controller_certs/0" : "");
	assert_true(v->payload.len > 0);
	assert_string_equal(v->signer, "signer");
	ew__bootstrap_verdict__free_unpacked(v, NULL);
}

static void certificates_have_to_be_valid_when_the_file_may_have_been_signed(void **state)
{
	struct maker m;

	(void)state;
	maker_init(&m, EVP_EC_gen("P-256"));
	expect_at(&m, 50, 60, "");
	expect_at(&m, 50, 0, ""); /* a clock that began at 1970 */
	expect_at(&m, 50, 101,
		  "certificate signer: certificate has expired; the time is 1970-04-12T00:00:00Z");
	expect_at(&m, 5, 0, /* signed before there was a certificate */
		  "certificate between: certificate is not yet valid; the time is "
		  "1970-01-06T00:00:00Z");
	expect_at(&m, 0, 5, /* without a time of its own */
		  "certificate between: certificate is not yet valid; the time is "
		  "1970-01-06T00:00:00Z");
	expect_at(&m, 0, 60, "");
	maker_fini(&m);
}

static void keys_of_ecdsa_and_rsa_sign(void **state)
{
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
			     EVP_RSA_gen(2048) };
	struct maker m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		maker_init(&m, keys[i]);
		expect_at(&m, 50, 60, "");
		maker_fini(&m);
	}
}

static void weak_and_unknown_keys_sign_nothing(void **state)
{
	struct maker m;
	Ew__BootstrapVerdict *v;

	(void)state;
	maker_init(&m, EVP_RSA_gen(1024));
	v = verdict_at(&m, 50, 60);
	assert_string_equal(v->error, "certificate signer: EE certificate key too weak");
	assert_false(v->only_dates);
	assert_int_equal(v->payload.len, 0);
	ew__bootstrap_verdict__free_unpacked(v, NULL);
	maker_fini(&m);
	maker_init(&m, EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
	v = verdict_at(&m, 50, 60);
	assert_string_equal(v->error_pointer, "/signed_config/signatureHash");
	ew__bootstrap_verdict__free_unpacked(v, NULL);
	maker_fini(&m);
}

static void a_hash_of_16_bytes_names_the_signer_too(void **state)
{
	struct maker m;
	struct bootstrap_input in = { .now_s = 60 * MAKER_DAY };
	_cleanup_(freep) uint8_t *file = NULL;
	Ew__BootstrapVerdict *v;

	(void)state;
	maker_init(&m, EVP_EC_gen("P-256"));
	file = maker_file(&m, 50 * MAKER_DAY, 16, &in.len);
	in.file = file;
	in.roots = m.root.pem;
	v = bootstrap_verify(&in);
	assert_string_equal(v->error, "");
	ew__bootstrap_verdict__free_unpacked(v, NULL);
	maker_fini(&m);
}

/* A vector of EVE's envelope; r begins with a zero byte. */
static void signature_is_eves(void **state)
{
	static const char cert[] =
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBHTCBw6ADAgECAgEBMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXZlY3Rvci1k\n"
		"ZXZpY2UwHhcNMjYwMTAxMDAwMDAwWhcNNDYwMTAxMDAwMDAwWjAYMRYwFAYDVQQD\n"
		"DA12ZWN0b3ItZGV2aWNlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAhfmF/C2\n"
		"RDkoJ4+WmZ5pojpPLBUr321s32bluAKC1O0ZSn3ry5dxLS3aPKhaqHZaVvRfx1hZ\n"
		"llLyiXxlMG5XlDAKBggqhkjOPQQDAgNJADBGAiEAsmEsEWh4UOKP4louRt/loSNl\n"
		"Cr6BE8Xt9Wctxy+yfD0CIQCjikaiHTXvVMolqnKzNjZcYcHuys5N3miVbc34qQxd\n"
		"0A==\n"
		"-----END CERTIFICATE-----\n";
	uint8_t payload[] = { 0x0a, 0x03, 'a', 'b', 'c', 0x12, 0x03, 't', 'o', 'k' };
	uint8_t raw[] = { 0x00, 0x5c, 0x77, 0xb1, 0x09, 0x21, 0xd0, 0xc8, 0x38, 0x89, 0xa7,
			  0xf7, 0x41, 0x74, 0x95, 0x42, 0xe0, 0xd1, 0x6f, 0xaf, 0xd3, 0xcb,
			  0xfd, 0x29, 0xdf, 0x0e, 0xfb, 0xd5, 0x65, 0x1a, 0x3f, 0x94, 0x66,
			  0x7b, 0x16, 0x43, 0x89, 0xc0, 0xda, 0x2e, 0x8e, 0xe7, 0xd3, 0x56,
			  0x74, 0x45, 0x01, 0xa7, 0x06, 0x85, 0x14, 0x04, 0x62, 0x5d, 0x57,
			  0x33, 0x59, 0x6b, 0x64, 0xeb, 0x40, 0x2d, 0x27, 0x8d };
	ProtobufCBinaryData data = { sizeof(payload), payload }, signature = { sizeof(raw), raw };
	BIO *bio = BIO_new_mem_buf(cert, -1);
	X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	(void)state;
	assert_true(signature_is_good(X509_get0_pubkey(x509), &signature, &data));
	signature.len--;
	assert_false(signature_is_good(X509_get0_pubkey(x509), &signature, &data));
	signature.len++;
	payload[4] = 'd';
	assert_false(signature_is_good(X509_get0_pubkey(x509), &signature, &data));
	X509_free(x509);
	BIO_free(bio);
}

/* ---- What follows ---- */

static uint8_t hash[ZA_SHA_SIZE] = { 1, 2, 3 };

/* What the helper says of a file with one port. */
static Ew__BootstrapVerdict verdict_of(const char *error, bool only_dates, uint8_t **ret_payload)
{
	Org__Lfedge__Eve__Config__EdgeDevConfig config =
		ORG__LFEDGE__EVE__CONFIG__EDGE_DEV_CONFIG__INIT;
	Org__Lfedge__Eve__Config__SystemAdapter port =
		ORG__LFEDGE__EVE__CONFIG__SYSTEM_ADAPTER__INIT;
	Org__Lfedge__Eve__Config__AppInstanceConfig app =
		ORG__LFEDGE__EVE__CONFIG__APP_INSTANCE_CONFIG__INIT; /* a wrong one */
	Ew__BootstrapVerdict verdict = EW__BOOTSTRAP_VERDICT__INIT;

	port.name = (char *)(uintptr_t) "eth0";
	config.systemadapterlist = (Org__Lfedge__Eve__Config__SystemAdapter *[]){ &port };
	config.n_systemadapterlist = 1;
	config.apps = (Org__Lfedge__Eve__Config__AppInstanceConfig *[]){ &app };
	config.n_apps = 1;
	verdict.payload.len = org__lfedge__eve__config__edge_dev_config__get_packed_size(&config);
	*ret_payload = xcalloc(1, verdict.payload.len);
	org__lfedge__eve__config__edge_dev_config__pack(&config, *ret_payload);
	verdict.payload.data = *ret_payload;
	verdict.sha256 = (ProtobufCBinaryData){ sizeof(hash), hash };
	verdict.error = (char *)(uintptr_t)error;
	verdict.only_dates = only_dates;
	return verdict;
}

static void becomes(const Ew__BootstrapVerdict *verdict, bool has_config, const uint8_t *taken,
		    Ew__BootstrapState want)
{
	const struct za_bootstrap_input in = { "file", verdict, has_config, taken };
	struct za_config *config;
	Ew__BootstrapStatus *status = za_bootstrap_judge(&in, &config);

	assert_int_equal(status->state, want);
	assert_int_equal(status->error[0] != '\0', want == STATE(REFUSED));
	assert_int_equal(config != NULL, want == STATE(TAKEN));
	if (config) {
		assert_string_equal(config->ports->source, "bootstrap");
		assert_int_equal(config->n_apps, 0);
		assert_int_equal(config->ports->n_ports, 1);
	}
	za_config_free(config);
	ew__bootstrap_status__free_unpacked(status, NULL);
}

static void dates_count_only_when_it_is_taken_for_the_first_time(void **state)
{
	_cleanup_(freep) uint8_t *good_bytes = NULL, *late_bytes = NULL, *bad_bytes = NULL;
	Ew__BootstrapVerdict good = verdict_of("", false, &good_bytes);
	Ew__BootstrapVerdict late = verdict_of("expired", true, &late_bytes);
	Ew__BootstrapVerdict bad = verdict_of("forged", false, &bad_bytes);
	const uint8_t other[ZA_SHA_SIZE] = { 9 };

	(void)state;
	becomes(&good, false, NULL, STATE(TAKEN));
	becomes(&good, false, other, STATE(TAKEN)); /* a new file */
	becomes(&good, true, NULL, STATE(UNUSED));
	becomes(&late, false, NULL, STATE(REFUSED));
	becomes(&late, false, other, STATE(REFUSED));
	becomes(&late, false, hash, STATE(TAKEN));
	becomes(&late, true, NULL, STATE(UNUSED)); /* nobody would take it */
	becomes(&bad, false, hash, STATE(REFUSED));
	becomes(&bad, true, hash, STATE(REFUSED));
}

/* Bytes of the rich example, with certificates for its 802.1X; the caller frees. */
static uint8_t *rich_payload(const char *text, size_t *ret_len, struct za_config **ret_config)
{
	_cleanup_(strbuf_fini) struct strbuf more = STRBUF_INIT;
	struct pbjson_error err = { "", "" };
	EVE(EdgeDevConfig) * eve;
	uint8_t *bytes;

	strbuf_add(&more, "{\"scepProfiles\": [{\"profileName\": \"factory\", "
			  "\"caCertPem\": [\"Q0E=\"]}],");
	strbuf_add(&more, text + 1); /* the first is its bracket */
	if (za_config_load(more.str, more.len, &eve, &err) < 0 ||
	    za_config_map(eve, ret_config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	*ret_len = protobuf_c_message_get_packed_size(&eve->base);
	bytes = xcalloc(1, *ret_len);
	protobuf_c_message_pack(&eve->base, bytes);
	org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);
	return bytes;
}

static char *text_of(const ProtobufCMessage *msg)
{
	struct strbuf out = STRBUF_INIT;

	pbjson_format(msg, PBJSON_PRETTY, &out);
	return strbuf_take(&out);
}

static void ports_and_items_are_what_they_would_be_from_the_controller(void **state)
{
	_cleanup_(za_config_freep) struct za_config *controller = NULL, *bootstrap = NULL;
	_cleanup_(freep) char *ports = NULL, *items = NULL, *got_ports = NULL, *got_items = NULL;
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	ProtobufCBinaryData payload;
	struct pbjson_error err = { "", "" };

	(void)state;
	text = za_test_read("docs/examples/rich.json");
	bytes = rich_payload(text, &payload.len, &controller);
	if (!controller)
		abort(); /* the analyzer does not know that fail_msg() never returns */
	payload.data = bytes;
	assert_int_equal(za_bootstrap_map(&payload, &bootstrap, &err), 0);
	ports = text_of(&controller->ports->base);
	items = text_of(&controller->global->base);
	got_ports = text_of(&bootstrap->ports->base);
	got_items = text_of(&bootstrap->global->base);
	assert_non_null(strstr(ports, "\"caPem\": \"CA"));
	assert_string_equal(got_ports, ports);
	assert_string_equal(got_items, items);
	assert_true(controller->n_apps > 0 && controller->n_instances > 0);
	assert_int_equal(bootstrap->n_apps + bootstrap->n_instances, 0);
}

static void one_without_ports_or_with_wrong_ones_is_refused(void **state)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	Ew__BootstrapVerdict verdict = verdict_of("", false, &bytes);
	Ew__BootstrapVerdict absent = EW__BOOTSTRAP_VERDICT__INIT;

	(void)state;
	verdict.payload.len = 0;
	becomes(&verdict, false, NULL, STATE(REFUSED));
	verdict.payload = (ProtobufCBinaryData){ 2, (uint8_t[]){ 0xff, 0xff } };
	becomes(&verdict, true, NULL, STATE(REFUSED));
	absent.absent = true;
	becomes(&absent, false, hash, STATE(ABSENT));
}

static void says(struct dpc_bootstrap *b, Ew__BootstrapState now, const char *why)
{
	Ew__BootstrapStatus status = EW__BOOTSTRAP_STATUS__INIT;

	status.state = now;
	status.error = (char *)(uintptr_t)why;
	dpc_bootstrap_set_status(b, &status);
}

static void files_count_unless_there_is_a_good_one(void **state)
{
	struct dpc_bootstrap b = { 0 };

	(void)state;
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_COUNT);
	b.exists = true; /* and zedagent has not spoken */
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_WAIT);
	says(&b, STATE(ABSENT), ""); /* it looked before the file came */
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_WAIT);
	says(&b, STATE(REFUSED), "forged");
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_COUNT);
	assert_string_equal(b.refusal->why, "forged");
	says(&b, STATE(TAKEN), "");
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_WAIT); /* for its ports */
	assert_null(b.refusal);
	dpc_bootstrap_set_error(&b, "");
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_VETOED);
	dpc_bootstrap_set_error(&b, "no port"); /* as nim finds */
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_COUNT);
	says(&b, STATE(TAKEN), ""); /* zedagent says nothing new */
	assert_string_equal(b.refusal->why, "no port");
	dpc_bootstrap_set_error(&b, "");
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_VETOED);
	says(&b, STATE(UNUSED), "");
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_VETOED);
	b.exists = false;
	assert_int_equal(dpc_bootstrap_files(&b), DPC_FILES_COUNT);
	dpc_bootstrap_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_have_to_be_valid_when_the_file_may_have_been_signed),
		cmocka_unit_test(keys_of_ecdsa_and_rsa_sign),
		cmocka_unit_test(weak_and_unknown_keys_sign_nothing),
		cmocka_unit_test(a_hash_of_16_bytes_names_the_signer_too),
		cmocka_unit_test(signature_is_eves),
		cmocka_unit_test(dates_count_only_when_it_is_taken_for_the_first_time),
		cmocka_unit_test(ports_and_items_are_what_they_would_be_from_the_controller),
		cmocka_unit_test(one_without_ports_or_with_wrong_ones_is_refused),
		cmocka_unit_test(files_count_unless_there_is_a_good_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
