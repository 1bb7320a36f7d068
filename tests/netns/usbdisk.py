# SPDX-License-Identifier: Apache-2.0
"""USB sticks for tests: a disk image with a GPT and one FAT partition, plugged in as a loop device.

    stick = Stick(path, {"usb.json": text, "dump": None})    # None: a folder
    stick.plug(); stick.pull()
    stick.files()                                            # {path: bytes} that are on it
"""

import pathlib
import struct
import subprocess
import tempfile
import uuid
import zlib

SECTOR, FIRST, LAST, SECTORS = 512, 2048, 20479, 20514
BASIC_DATA = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")


def _header(here, other, entries, disk, table):
    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, 34,
                           SECTORS - 34, disk, entries, 128, 128, zlib.crc32(table))

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _gpt(name):
    """First 34 sectors, and the last 33."""
    entry = struct.pack("<16s16sQQQ72s", BASIC_DATA.bytes_le, uuid.uuid4().bytes_le, FIRST, LAST, 0,
                        name.encode("utf-16-le"))
    disk = uuid.uuid4().bytes_le
    table = entry.ljust(128 * 128, b"\0")
    mbr = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff\xff\xff", 1, SECTORS - 1)
    head = mbr.ljust(510, b"\0") + b"\x55\xaa"
    head += _header(1, SECTORS - 1, 2, disk, table) + table
    return head, table + _header(SECTORS - 1, 1, SECTORS - 33, disk, table)


def _mbr(_name):
    """As QEMU's vvfat makes it: a partition has no name there."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\1\1\0", 0x0e, b"\xff\xff\xff", FIRST, LAST - FIRST + 1)
    return (bytes(446) + entry).ljust(510, b"\0") + b"\x55\xaa", b""


class Stick:
    def __init__(self, path, content, name="DevicePortConfig", label="EVEDPC", table=_gpt):
        self.path, self.device = pathlib.Path(path), None
        head, tail = table(name)
        image = bytearray(SECTORS * SECTOR)
        image[:len(head)] = head
        image[len(image) - len(tail):] = tail
        image[FIRST * SECTOR:(LAST + 1) * SECTOR] = self._fat(label)
        self.path.write_bytes(image)
        for entry, text in content.items():
            if text is None:
                self._mtools("mmd", f"::{entry}")
            else:
                data = text if isinstance(text, bytes) else text.encode()
                self._mtools("mcopy", "-", f"::{entry}", data=data)

    def _fat(self, label):
        part = self.path.with_suffix(".part")
        part.write_bytes(bytes((LAST - FIRST + 1) * SECTOR))
        subprocess.run(["mkfs.vfat", "-n", label, part], check=True, capture_output=True)
        data = part.read_bytes()
        part.unlink()
        return data

    def _mtools(self, command, *args, data=None):
        """Never mounted: who copies the mount namespace beside would keep what is written from the disk."""
        subprocess.run([command, "-i", f"{self.path}@@{FIRST * SECTOR}", *args], input=data, check=True,
                       capture_output=True)

    def plug(self):
        done = subprocess.run(["losetup", "--find", "--show", "--partscan", self.path], check=True,
                              capture_output=True, text=True)
        self.device = done.stdout.strip()

    def pull(self):
        """Its partitions go; who has it mounted keeps nothing but errors."""
        device, self.device = self.device, None
        subprocess.run(["losetup", "--detach", device], check=True, capture_output=True)

    def files(self):
        """While it is pulled."""
        with tempfile.TemporaryDirectory() as name:
            self._mtools("mcopy", "-s", "-n", "::", name)
            return {str(path.relative_to(name)): path.read_bytes()
                    for path in sorted(pathlib.Path(name).rglob("*")) if path.is_file()}

    def __enter__(self):
        self.plug()
        return self

    def __exit__(self, *_):
        if self.device:
            self.pull()


def vvfat(path, content):
    """What QEMU shows of a folder."""
    return Stick(path, content, label="QEMU VVFAT", table=_mbr)
