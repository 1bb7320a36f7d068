# SPDX-License-Identifier: Apache-2.0
"""Certificates of a test run, made by openssl: a root that nodes are told to trust, one that they are not, and
what these sign.

    pki = Pki(folder)
    certificate = pki.sign("good", ["web.example", "198.51.100.80"])
    certificate.cert, certificate.key      # paths of PEM files
"""

import collections
import datetime
import ipaddress
import pathlib
import subprocess

Certificate = collections.namedtuple("Certificate", "cert key")

CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
"""


class Pki:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        self.root = self.make_root("root")
        self.stranger = self.make_root("stranger")

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def files(self, name):
        return Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def make_root(self, name):
        made = self.files(name)
        self.openssl("req", "-config", self.config, "-x509", "-extensions", "root", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", 1, "-keyout", made.key,
                     "-out", made.cert)
        return made

    def sign(self, name, hosts, root=None, days=(-1, 1), ca=False, more=()):
        """days: when it begins and ends to be valid, from today. ca: it may sign others. more: extensions."""
        made, request, root = self.files(name), self.folder / f"{name}.csr", root or self.root
        names = ",".join(("IP:" if is_address(host) else "DNS:") + host for host in hosts)
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = ((now + datetime.timedelta(days=d)).strftime("%Y%m%d%H%M%SZ") for d in days)
        extensions = [f"subjectAltName={names}", *(["basicConstraints=critical,CA:true"] if ca else []), *more]
        self.openssl("req", "-config", self.config, "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", f"/CN={name}", *(part for one in extensions for part in ("-addext", one)),
                     "-keyout", made.key, "-out", request)
        self.openssl("ca", "-config", self.config, "-batch", "-notext", "-cert", root.cert, "-keyfile", root.key,
                     "-startdate", begin, "-enddate", end, "-in", request, "-out", made.cert)
        return made


def is_address(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
