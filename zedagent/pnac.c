/* SPDX-License-Identifier: Apache-2.0 */
/* 802.1X of adapters: what is wrong with it is nim's to say, for other sources of ports too. Certificates
 * come from files; of a SCEP profile only the CA counts. */
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "zedagent/map.h"

/* PEM texts, one after the other. */
static char *cas_of(const struct za_map *m, const char *name)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < m->eve->n_scep_profiles; i++) {
		const EVE(SCEPProfile) *profile = m->eve->scep_profiles[i];

		if (strcmp(profile->profile_name, name) != 0)
			continue;
		for (size_t k = 0; k < profile->n_ca_cert_pem; k++) {
			const ProtobufCBinaryData *pem = &profile->ca_cert_pem[k];

			if (pem->len)
				strbuf_addf(&text, "%.*s\n", (int)pem->len,
					    (const char *)pem->data);
		}
	}
	return strbuf_take(&text);
}

static Ew__PnacConfig *map_one(const struct za_map *m, const EVE(PNAC) * pnac)
{
	_cleanup_(freep) char *cas = cas_of(m, pnac->cert_enrollment_profile_name);
	Ew__PnacConfig *out = xcalloc(1, sizeof(*out));

	ew__pnac_config__init(out);
	za_set(&out->identity, pnac->eap_identity);
	za_set(&out->profile, pnac->cert_enrollment_profile_name);
	za_set(&out->ca_pem, cas);
	out->eap_method = (uint32_t)pnac->eap_method;
	return out;
}

Ew__PnacConfig *za_map_pnac(const struct za_map *m, const char *label)
{
	for (size_t i = 0; i < m->eve->n_pnacs; i++)
		if (strcmp(m->eve->pnacs[i]->logicallabel, label) == 0)
			return map_one(m, m->eve->pnacs[i]);
	return NULL;
}

/* The first entry of a label counts. */
int za_map_pnacs(struct za_map *m)
{
	for (size_t i = 0; i < m->eve->n_pnacs; i++) {
		const char *label = m->eve->pnacs[i]->logicallabel;
		_cleanup_(freep) char *part = xasprintf("pnacs.%zu", i);
		bool used = false;
		size_t found;

		for (size_t k = 0; k < i; k++)
			used = used || strcmp(m->eve->pnacs[k]->logicallabel, label) == 0;
		if (used || !za_names_find(&m->labels, label, &found))
			za_map_ignored(m, part);
	}
	if (m->eve->n_scep_profiles)
		za_map_ignored(m, "scepProfiles");
	return 0;
}
