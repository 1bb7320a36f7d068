# SPDX-License-Identifier: Apache-2.0
"""Messages of api/eve in protobuf's binary form, made from the .proto files and nothing of ours.

    wire.encode("EdgeDevConfig", {"id": {"uuid": …}, "phyaddrs": {"Ifname": "eth0"}, …})

Keys are those of proto3 JSON, as tests/netns/config.py writes them, bytes may be bytes. Enums go by name, a
google.protobuf.Timestamp is its seconds.
"""

import base64
import functools
import re

from node import TOP

NUMBERS = {"int32", "int64", "uint32", "uint64", "bool"}


@functools.cache
def schema():
    """({message: {key: (number, type, kind)}}, {enum: {name: number}}); kind: "", repeated or map."""
    messages, enums = {}, {}
    for path in (TOP / "api/eve").glob("*.proto"):
        text = re.sub(r"//[^\n]*", "", path.read_text())
        for what, name, body in re.findall(r"(message|enum) (\w+) \{((?:[^{}]|\{[^{}]*\})*)\}", text):
            body = re.sub(r"oneof \w+ \{([^{}]*)\}", r"\1", body)
            if what == "enum":
                enums[name] = {key: int(number) for key, number in re.findall(r"(\w+) = (\d+)", body)}
                continue
            fields = messages.setdefault(name, {})
            for kind, of, field, number in re.findall(
                    r"(repeated |map<string, )?([\w.]+)>? (\w+) = (\d+)(?: \[[^\]]*\])?;", body):
                kind = kind.split("<")[0].strip()
                fields[camel(field)] = fields[field] = (int(number), of.rpartition(".")[2], kind)
    return messages, enums


def camel(name):
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), name)


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_of(of, value):
    enums = schema()[1]
    return enums[of][value] if of in enums and isinstance(value, str) else int(value)


def one(number, of, value):
    if of in NUMBERS or of in schema()[1]:
        return varint(number << 3) + varint(number_of(of, value))
    if of == "string":
        return field(number, value.encode())
    if of == "bytes":
        return field(number, value if isinstance(value, bytes) else base64.b64decode(value))
    if of == "Timestamp":
        return field(number, varint(1 << 3) + varint(value))
    return field(number, encode(of, value))


def encode(message, content):
    fields, out = schema()[0][message], b""
    for key, value in content.items():
        number, of, kind = fields[key]
        if kind == "map":
            out += b"".join(field(number, one(1, "string", k) + one(2, of, v)) for k, v in value.items())
        elif kind and (of in NUMBERS or of in schema()[1]):
            out += field(number, b"".join(varint(number_of(of, v)) for v in value)) if value else b""
        elif kind:
            out += b"".join(one(number, of, v) for v in value)
        else:
            out += one(number, of, value)
    return out
