# SPDX-License-Identifier: Apache-2.0
"""bootstrap-config.pb as a controller's tools make it: a configuration, signed.

    made = Maker(folder)             # its root, an intermediate certificate, a signing one
    made.file(config)                # bytes; what is given else, replaces what would be right
"""

import hashlib
import subprocess
import time

import wire
from pki import Pki

SIGNING, INTERMEDIATE, ECDH = 1, 2, 3


def halves(der):
    """r and s of an ECDSA signature in DER, 32 bytes each."""
    out, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        out += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return out


class Maker:
    def __init__(self, folder):
        self.pki = Pki(folder)
        self.root = self.pki.root.cert.read_bytes()
        self.between = self.pki.sign("between", ["between.example"], ca=True)
        self.signer = self.pki.sign("signer", ["signer.example"], root=self.between)

    def signature(self, payload, key):
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=payload, check=True,
                              capture_output=True)
        return done.stdout

    def payload(self, config, timestamp=None):
        stamp = int(time.time()) if timestamp is None else timestamp
        return wire.encode("EdgeDevConfig", {**config.root, **({"configTimestamp": stamp} if stamp else {})})

    def container(self, payload, signer=None, **instead):
        signer = signer or self.signer
        return {"protectedPayload": {"payload": payload}, "algo": 2,
                "senderCertHash": hashlib.sha256(signer.cert.read_bytes()).digest(),
                "signatureHash": halves(self.signature(payload, signer.key)), **instead}

    def certs(self, *more, signer=None, between=True):
        certs = [(SIGNING, signer or self.signer)] + ([(INTERMEDIATE, self.between)] if between else []) + list(more)
        return [{"type": kind, "cert": one.cert.read_bytes()} for kind, one in certs]

    def file(self, config=None, payload=None, timestamp=None, signer=None, certs=None, **instead):
        """instead: fields of the AuthContainer."""
        payload = self.payload(config, timestamp) if payload is None else payload
        return wire.encode("BootstrapConfig", {
            "signedConfig": self.container(payload, signer, **instead),
            "controllerCerts": self.certs(signer=signer) if certs is None else certs})
