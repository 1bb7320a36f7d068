# SPDX-License-Identifier: Apache-2.0
"""A switch port that wants 802.1X: hostapd with an EAP server of its own, and a gate.

    ca = Authority(folder, "factory")
    switch = Authenticator(net["isp-a"], "p1", ca)
    ca.client(node.state_dir / "pnac/factory", "node.example")

hostapd's wired driver only talks; the gate is an nftables chain on the port that drops everything
but EAPOL until hostapd says that the other end is authorized.
"""

import pathlib
import shutil
import subprocess
import threading

from waiting import wait_for

GATE = """table netdev gate {
  chain in { type filter hook ingress device "%s" priority 0; ether type != 0x888e counter drop; }
}"""


def _openssl(folder, *args):
    subprocess.run(["openssl", *map(str, args)], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   capture_output=True)


class Authority:
    """A certification authority; its files are in folder."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder, name)
        self.folder.mkdir(parents=True)
        _openssl(self.folder, "req", "-x509", *self.key("ca.key"), "-out", "ca.pem", "-days", "2",
                 "-subj", f"/CN={name}")
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("1000")
        (self.folder / "conf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\ncopy_extensions=copy\n[p]\ncommonName=optional\n")

    @staticmethod
    def key(name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name

    def issue(self, name, subject, start="20240101000000Z", end="20491231235959Z", uri=None):
        """NAME.pem and NAME.key."""
        more = ("-addext", f"subjectAltName=URI:{uri}") if uri else ()
        _openssl(self.folder, "req", *self.key(f"{name}.key"), "-out", f"{name}.csr", "-subj", subject, *more)
        _openssl(self.folder, "ca", "-batch", "-config", "conf", "-cert", "ca.pem", "-keyfile", "ca.key",
                 "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", "-startdate", start, "-enddate", end)

    def client(self, profile, common_name, ca=None, **options):
        """Puts a new certificate, its key and the CA's into the profile's folder, each at once."""
        self.issue("client", f"/CN={common_name}", **options)
        profile = pathlib.Path(profile)
        profile.mkdir(parents=True, exist_ok=True)
        for source, target in ((self.folder / "client.pem", "client-cert.pem"),
                               (self.folder / "client.key", "client-key.pem"),
                               ((ca or self).folder / "ca.pem", "ca.pem")):
            shutil.copy(source, profile / f".{target}")
            (profile / f".{target}").rename(profile / target)


class Authenticator:
    def __init__(self, host, dev, ca):
        self.host, self.dev, self.ca = host, dev, ca
        self.moved = lambda authorized: None  # what else the switch does
        self.authorized, self.rounds = False, 0
        ca.issue("server", "/CN=switch.example")
        users, conf = ca.folder / "users", ca.folder / "hostapd.conf"
        users.write_text("* TLS\n")
        conf.write_text("\n".join([
            f"interface={dev}", "driver=wired", "ieee8021x=1", "eap_reauth_period=0", "use_pae_group_addr=1",
            "eap_server=1", f"eap_user_file={users}", f"ca_cert={ca.folder}/ca.pem",
            f"server_cert={ca.folder}/server.pem", f"private_key={ca.folder}/server.key"]) + "\n")
        self.conf = conf
        self.shut()
        self.start()
        host.closers.append(self.stop)

    def start(self):
        self.ready = threading.Event()
        self.process = self.host.start("stdbuf", "-oL", "hostapd", str(self.conf), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        wait_for(self.ready.is_set, "the authenticator runs", 10)

    def restart(self):
        """It forgets whom it knows; nobody is let in."""
        self.stop()
        if self.authorized:
            self.authorized = False
            self.shut()
        self.start()

    def shut(self):
        self.host.run("nft", "-f", "-", input=GATE % self.dev)

    def read(self):
        for line in self.process.stdout:
            if "AP-ENABLED" in line:
                self.ready.set()
            if "CTRL-EVENT-EAP-SUCCESS" in line:
                self.rounds += 1
            if "AP-STA-CONNECTED" in line and not self.authorized:
                self.host.run("nft", "delete", "table", "netdev", "gate")
                self.moved(True)
                self.authorized = True
            if "AP-STA-DISCONNECTED" in line and self.authorized:
                self.authorized = False
                self.shut()
                self.moved(False)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()
