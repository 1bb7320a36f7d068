# SPDX-License-Identifier: Apache-2.0
"""Servers of the world around the node. They live in threads of the test run, with sockets of
their host's namespace; dnsmasq is a process of it."""

import base64
import contextlib
import http.server
import ipaddress
import selectors
import socket
import ssl
import tempfile
import threading
import urllib.parse

from waiting import SLOW, wait_for


def dual_stack(host, kind, port):
    with host.inside():
        sock = socket.socket(socket.AF_INET6, kind)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", port))
    return sock


class Http:
    """A web server; what it answers is its handler's matter. With a TLS context all of it goes by TLS."""

    def __init__(self, host, port, handler, context=None):
        class Handler(handler):
            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, address):
                if not context:
                    return super().finish_request(request, address)
                try:
                    request.settimeout(5 * SLOW)
                    with context.wrap_socket(request, server_side=True) as wrapped:
                        super().finish_request(wrapped, address)
                except OSError:
                    pass  # the client did not like us

        self.server = Server(("", 0), Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = dual_stack(host, socket.SOCK_STREAM, port)
        self.server.socket.listen(64)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        host.closers.append(self.close)

    def close(self):
        self.server.socket.shutdown(socket.SHUT_RDWR)  # wakes its loop, which looks twice a second only
        self.server.shutdown()
        self.server.server_close()


def tls_context(certificate, client_root=None):
    """Of a server with that certificate; with client_root clients need one of its."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    if client_root:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_root.cert)
    return context


def seen_as(peer):
    """The address a client is seen with."""
    return peer[0].removeprefix("::ffff:")


class Web(Http):
    """Answers each GET with "hello ADDRESS", the address the client is seen with."""

    def __init__(self, host, port=80):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"hello {seen_as(self.client_address)}\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(host, port, Handler)


class Echo:
    """Sends back what it gets, by UDP and TCP, IPv4 and IPv6."""

    def __init__(self, host, port=7):
        self.selector = selectors.DefaultSelector()
        self.udp = dual_stack(host, socket.SOCK_DGRAM, port)
        self.tcp = dual_stack(host, socket.SOCK_STREAM, port)
        self.tcp.listen(64)
        self.wake, waker = socket.socketpair()
        self.selector.register(self.udp, selectors.EVENT_READ, self.answer)
        self.selector.register(self.tcp, selectors.EVENT_READ, self.accept)
        self.selector.register(waker, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        host.closers.append(self.close)

    def loop(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                try:
                    key.data(key.fileobj)
                except OSError:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()

    def answer(self, sock):
        data, peer = sock.recvfrom(65536)
        try:
            sock.sendto(data, peer)
        except OSError:
            pass  # no way back to that peer, for now

    def accept(self, sock):
        self.selector.register(sock.accept()[0], selectors.EVENT_READ, self.relay)

    def relay(self, sock):
        data = sock.recv(65536)
        if not data:
            raise ConnectionResetError
        sock.sendall(data)

    def close(self):
        self.wake.send(b"x")
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.wake.close()


class SecureWeb(Http):
    """A web server that answers each GET by TLS with the status that is set, and remembers what was asked."""

    def __init__(self, host, port, certificate, status=200, client_root=None, endless=False):
        web = self
        self.status, self.seen = status, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                peer = self.connection.getpeercert() if client_root else None
                web.seen.append((seen_as(self.client_address), self.path, dict(self.headers), peer))
                self.send_response(web.status)
                self.send_header("Content-Length", str(1 << 40 if endless else 0))
                self.end_headers()
                while endless:
                    self.wfile.write(bytes(65536))

        super().__init__(host, port, Handler, tls_context(certificate, client_root))


class Files(Http):
    """A web server of files: {path: (type, text, {header: value})}; a number instead of a text is a status."""

    def __init__(self, host, port, files):
        web = self
        self.files, self.seen = files, []  # (client, host asked for, path)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.seen.append((seen_as(self.client_address), self.headers["Host"], self.path))
                kind, text, more = web.files.get(self.path, ("text/html", 404, {}))
                body = text.encode() if isinstance(text, str) else b""
                self.send_response(200 if isinstance(text, str) else text)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        super().__init__(host, port, Handler)


class Proxy(Http):
    """A proxy for CONNECT and plain requests that knows where its names live; with to everything goes there."""

    def __init__(self, host, port, known, user=None, to=None, certificate=None):
        proxy = self
        self.seen = []  # (client, method, target)
        self.says = None  # headers; then plain requests get 503 with them

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def refused(self):
                want = "Basic " + base64.b64encode(user.encode()).decode() if user else None
                if self.headers.get("Proxy-Authorization") == want:
                    return False
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="plant"')
                self.send_header("Connection", "close")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return True

            def reach(self, name, number):
                proxy.seen.append((seen_as(self.client_address), self.command, f"{name}:{number}"))
                with host.inside():
                    return socket.create_connection(to or (known.get(name, name), number), 5 * SLOW)

            def do_CONNECT(self):
                self.close_connection = True
                if self.refused():
                    return
                try:
                    far = self.reach(*self.path.rsplit(":", 1))
                except OSError:
                    self.send_error(502)
                    return
                self.send_response(200)
                self.end_headers()
                relay(self.connection, far)

            def do_GET(self):
                self.close_connection = True
                if self.refused():
                    return
                if proxy.says is not None:
                    self.send_response(503)
                    for name, value in {**proxy.says, "Content-Length": "0"}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    return
                url = urllib.parse.urlsplit(self.path)
                far = self.reach(url.hostname, url.port or 80)
                far.sendall(f"GET {url.path} HTTP/1.0\r\nHost: {url.netloc}\r\n\r\n".encode())
                while data := far.recv(65536):
                    self.wfile.write(data)

        super().__init__(host, port, Handler, tls_context(certificate) if certificate else None)


class Socks:
    """A SOCKS server of versions 4a and 5 (RFC 1928, 1929) that knows where its names live."""

    def __init__(self, host, port, known, user=None):
        self.host, self.known, self.user, self.seen = host, known, user, []  # (client, version, "name:port")
        self.sock = dual_stack(host, socket.SOCK_STREAM, port)
        self.sock.listen(64)
        threading.Thread(target=self.loop, daemon=True).start()
        host.closers.append(self.close)

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def loop(self):
        while True:
            try:
                client, address = self.sock.accept()
            except OSError:
                return
            client.settimeout(5 * SLOW)
            threading.Thread(target=self.serve, args=(client, seen_as(address)), daemon=True).start()

    def serve(self, client, address):
        with client, contextlib.suppress(OSError, EOFError):
            file = client.makefile("rb")
            version = exactly(file, 1)[0]
            name, number = self.five(client, file) if version == 5 else four(file)
            self.seen.append((address, version, f"{name}:{number}"))
            with self.host.inside():
                far = socket.create_connection((self.known.get(name, name), number), 5 * SLOW)
            client.sendall(b"\5\0\0\1" + bytes(6) if version == 5 else b"\0\x5a" + bytes(6))
            relay(client, far)

    def five(self, client, file):
        methods = exactly(file, exactly(file, 1)[0])
        if self.user and 2 in methods:
            client.sendall(b"\5\2")
            exactly(file, 1)
            given = b":".join(exactly(file, exactly(file, 1)[0]) for _ in range(2)).decode()
            client.sendall(b"\1\0" if given == self.user else b"\1\1")
            if given != self.user:
                raise EOFError
        else:
            client.sendall(b"\5\xff" if self.user else b"\5\0")
        _, _, _, kind = exactly(file, 4)
        raw = exactly(file, {1: 4, 4: 16}.get(kind) or exactly(file, 1)[0])
        name = raw.decode() if kind == 3 else str(ipaddress.ip_address(raw))
        return name, int.from_bytes(exactly(file, 2))


def exactly(file, n):
    data = file.read(n)
    if len(data) < n:
        raise EOFError
    return data


def four(file):
    _, number, address = exactly(file, 1), int.from_bytes(exactly(file, 2)), exactly(file, 4)
    for part in (texts := [bytearray(), bytearray()])[:2 if address[:3] == bytes(3) else 1]:
        while (byte := exactly(file, 1)) != b"\0":
            part += byte
    return texts[1].decode() or str(ipaddress.ip_address(address)), number


def relay(one, other):
    """Bytes both ways until either end is done."""
    pair = {one: other, other: one}
    with selectors.DefaultSelector() as selector:
        for sock in pair:
            selector.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                try:
                    data = key.fileobj.recv(65536)
                    while isinstance(key.fileobj, ssl.SSLSocket) and key.fileobj.pending():
                        data += key.fileobj.recv(65536)
                    pair[key.fileobj].sendall(data)
                except OSError:
                    data = b""
                if not data:
                    other.close()
                    return


def mute(host, port):
    """Takes connections, and says nothing."""
    sock = dual_stack(host, socket.SOCK_STREAM, port)
    sock.listen(64)
    host.closers.append(sock.close)


def names(host, name, *addresses, dev="lan"):
    """A DNS server of that host that knows where that name is, and nothing else. It listens."""
    def listens():
        with host.inside(), open("/proc/thread-self/net/udp") as file:
            return ":0035 " in file.read()
    host.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root",
               "--pid-file=", "--log-facility=/dev/null", "--bind-interfaces", f"--interface={dev}",
               *(f"--address=/{name}/{one}" for one in addresses))
    wait_for(listens, f"{host.name} resolves names")


def swallow(isp, rule):
    """Packets of that kind vanish in the network of the port, without a word."""
    isp.run("nft", "add table inet hole; add chain inet hole early { type filter hook prerouting priority -300 ; }; "
            f"add rule inet hole early {rule} drop")


def dnsmasq(host, dev, net4, net6, names, more=()):
    """DHCP for net4.100 to .199 and net6::100 to ::1ff, router advertisements, and DNS that knows
    names: {name: (IPv4, IPv6)}; more: further options."""
    folder = tempfile.mkdtemp(prefix=f"{host.netns}.", dir="/run")
    options = [
        "keep-in-foreground", "conf-file=/dev/null", "user=root", "no-hosts", "no-resolv", "no-ping",
        f"pid-file={folder}/pid", f"dhcp-leasefile={folder}/leases", f"log-facility={folder}/log",
        f"interface={dev}", "bind-interfaces", "dhcp-authoritative", "enable-ra", "local-ttl=600",
        f"ra-param={dev},mtu:off,10,1800",
        f"dhcp-range={net4}.100,{net4}.199,1h",
        f"dhcp-range={net6}::100,{net6}::1ff,slaac,64,1h",
        f"dhcp-option=option:dns-server,{net4}.1", f"dhcp-option=option6:dns-server,[{net6}::1]",
    ]
    for name, addresses in names.items():
        options += [f"address=/{name}/{address}" for address in addresses]
    host.start("dnsmasq", *(f"--{option}" for option in (*options, *more)))
    return folder
