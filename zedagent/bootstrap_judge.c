/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/bootstrap_judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "zedagent/check.h"

#define STATE(name) EW__BOOTSTRAP_STATE__BOOTSTRAP_##name

static void set_text(char **field, const char *text)
{
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = xstrdup(text);
}

/* Lists are shared with eve: for as long as that lives. */
static EVE(EdgeDevConfig) only_ports(const EVE(EdgeDevConfig) * eve)
{
	EVE(EdgeDevConfig) bare = ORG__LFEDGE__EVE__CONFIG__EDGE_DEV_CONFIG__INIT;

	bare.id = eve->id;
	bare.config_timestamp = eve->config_timestamp;
	bare.n_configitems = eve->n_configitems;
	bare.configitems = eve->configitems;
	bare.n_deviceiolist = eve->n_deviceiolist;
	bare.deviceiolist = eve->deviceiolist;
	bare.n_systemadapterlist = eve->n_systemadapterlist;
	bare.systemadapterlist = eve->systemadapterlist;
	bare.n_networks = eve->n_networks;
	bare.networks = eve->networks;
	bare.n_vlans = eve->n_vlans;
	bare.vlans = eve->vlans;
	bare.n_bonds = eve->n_bonds;
	bare.bonds = eve->bonds;
	bare.n_pnacs = eve->n_pnacs;
	bare.pnacs = eve->pnacs;
	bare.n_scep_profiles = eve->n_scep_profiles;
	bare.scep_profiles = eve->scep_profiles;
	return bare;
}

static int refuse(struct pbjson_error *err, const char *pointer, const char *why)
{
	snprintf(err->pointer, sizeof(err->pointer), "%s", pointer);
	snprintf(err->why, sizeof(err->why), "%s", why);
	return -EINVAL;
}

int za_bootstrap_map(const ProtobufCBinaryData *payload, struct za_config **ret,
		     struct pbjson_error *err)
{
	EVE(EdgeDevConfig) *eve = org__lfedge__eve__config__edge_dev_config__unpack(
		NULL, payload->len, payload->data);
	EVE(EdgeDevConfig) bare;
	int r;

	if (!eve)
		return refuse(err, "", "the payload is not an EdgeDevConfig");
	bare = only_ports(eve);
	if (bare.n_systemadapterlist)
		r = za_config_map(&bare, ret, err);
	else
		r = refuse(err, "/systemAdapterList", "no port");
	org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);
	return r;
}

static void set_sha256(Ew__BootstrapStatus *status, const ProtobufCBinaryData *sha256)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < sha256->len; i++)
		strbuf_addf(&text, "%02x", sha256->data[i]);
	set_text(&status->sha256, strbuf_str(&text));
}

static void set_refused(Ew__BootstrapStatus *status, const char *pointer, const char *why)
{
	status->state = STATE(REFUSED);
	set_text(&status->error_pointer, pointer);
	set_text(&status->error, why);
}

static bool was_taken(const struct za_bootstrap_input *in)
{
	return in->taken && in->verdict->sha256.len == ZA_SHA_SIZE &&
	       memcmp(in->verdict->sha256.data, in->taken, ZA_SHA_SIZE) == 0;
}

/* Who would take it now has to look at dates; else it was in time, or its time does not matter. */
static bool is_good(const struct za_bootstrap_input *in)
{
	if (!in->verdict->error[0])
		return true;
	return in->verdict->only_dates && (in->has_config || was_taken(in));
}

Ew__BootstrapStatus *za_bootstrap_judge(const struct za_bootstrap_input *in,
					struct za_config **ret_config)
{
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	Ew__BootstrapStatus *status = xcalloc(1, sizeof(*status));
	struct pbjson_error err = { "", "" };

	ew__bootstrap_status__init(status);
	set_text(&status->file, in->file);
	*ret_config = NULL;
	if (in->verdict->absent) {
		status->state = STATE(ABSENT);
		return status;
	}
	set_text(&status->signer, in->verdict->signer);
	set_sha256(status, &in->verdict->sha256);
	if (!is_good(in)) {
		set_refused(status, in->verdict->error_pointer, in->verdict->error);
		return status;
	}
	if (za_bootstrap_map(&in->verdict->payload, &config, &err) < 0) {
		set_refused(status, err.pointer, err.why);
		return status;
	}
	set_text(&status->version, config->version);
	status->timestamp_ms = config->timestamp_ms;
	status->state = in->has_config ? STATE(UNUSED) : STATE(TAKEN);
	if (!in->has_config) {
		set_text(&config->ports->source, "bootstrap");
		*ret_config = take_ptr(config);
	}
	return status;
}
