/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 802.1X of one wired port: how far its authentication is, what it needs to run, what is told of
 * it. Pure; nim/pnac/pnac_ports.h brings it to life.
 */
#pragma once

#include "base/cert.h"
#include "nim/facts.h"
#include "nim/pnac/wpa_text.h"

struct arena;
struct dp_graph;
struct strbuf;
struct Ew__PnacStatus;

/* ---- Certificate and key ---- */

struct pnac_files { /* what the folder of a profile holds */
	struct cert cert;
	uint32_t hash; /* of all contents */
	char error[160]; /* names the file; "" = authentication can be tried with them */
};

/* From the contents of client-cert.pem, client-key.pem and ca.pem; NULL: errors say why it could
 * not be read. ca may be NULL without error: the configuration brings the CA's certificates. */
struct pnac_texts {
	const char *cert, *key, *ca;
	int cert_error, key_error, ca_error; /* 0 or -errno */
};
void pnac_files_judge(const struct pnac_texts *texts, const char *folder, struct pnac_files *ret);

/* "<file>: expired on …" into ret, "" while the certificate holds. Before 2020 the clock is not
 * known, and nothing is said. */
void pnac_expiry(const struct pnac_files *files, const char *folder, int64_t now_s,
		 char ret[static WPA_WHY]);
/* Seconds until that text may be another one; -1: it stays. */
int64_t pnac_expiry_in(const struct pnac_files *files, int64_t now_s);

/* The configured one, else the certificate's common name, else its URI; "" = none. */
const char *pnac_identity(const struct nim_port *port, const struct cert *cert);

/* ---- State ---- */

struct pnac {
	enum pnac_state state;
	bool known; /* wpa_supplicant has told its state since nim runs */
	bool authorized;
	char why[WPA_WHY]; /* of this round, in case it fails */
	char error[WPA_WHY]; /* why the last round failed; "" = it did not */
	bool asked_why; /* pnac_asks_why() was true since the last round was heard */
	int64_t last_auth_ms; /* Unix time; 0: never */
};

/* An event; why as of wpa_event_parse(). True: something that is told changed. */
bool pnac_take_event(struct pnac *p, enum wpa_event event, const char *why, int64_t now_ms);

enum pnac_change {
	PNAC_SAME,
	PNAC_CHANGED, /* what is told */
	PNAC_MOVED, /* authorized or not: the network behind the port may be another one */
};
/* has_address: what is authorized at the first look and has an address was so before nim started:
 * nothing moved. */
enum pnac_change pnac_take_status(struct pnac *p, const struct wpa_status *status,
				  bool has_address);
/* True, once: it failed while nobody listened (nim did not run, or was late). Another round tells why. */
bool pnac_asks_why(struct pnac *p);
void pnac_forget(struct pnac *p); /* wpa_supplicant went away */

/* ---- What runs ---- */

struct pnac_dirs { /* borrowed */
	const char *run_dir, *state_dir, *owner;
};

#define PNAC_CERT "client-cert.pem"
#define PNAC_KEY "client-key.pem"
#define PNAC_CA "ca.pem"

char *pnac_folder(const struct pnac_dirs *dirs, const char *profile); /* the caller frees */
/* wpa_supplicant's configuration. */
void pnac_conf(const struct pnac_dirs *dirs, const struct nim_port *port, const char *identity,
	       struct strbuf *out);
void pnac_scope(const char *label, char ret[static sizeof("pnac/") + NIM_LABEL]);
/* ifindex: of the port's card now; identity NULL: nothing is to run. */
struct dp_graph *nim_intent_pnac(const struct pnac_dirs *dirs, const struct nim_port *port,
				 uint32_t ifindex, const char *identity);

/* NULL: the port has none. */
struct Ew__PnacStatus *nim_pnac_status(const struct nim_port *port, const struct nim_iface *iface,
				       struct arena *arena);
