#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""forge-sender - a call of Manager1.Audit in somebody else's name: the header says that SENDER sent it.

usage: forge-sender.py SOCKET SENDER    prints the name of the error that comes back, or "answered"
"""
import os
import socket
import struct
import sys


def pad(b, n):
    return b + b"\0" * (-len(b) % n)


def field(code, kind, text):
    t = text.encode()
    if kind == "g":
        return bytes([code]) + b"\x01g\0" + bytes([len(t)]) + t + b"\0"
    return bytes([code]) + b"\x01" + kind.encode() + b"\0" + struct.pack("<I", len(t)) + t + b"\0"


def message(serial, path, interface, member, to, sender=None, signature="", body=b""):
    fields = b""
    parts = [field(1, "o", path), field(2, "s", interface), field(3, "s", member), field(6, "s", to)]
    if sender:
        parts.append(field(7, "s", sender))
    if signature:
        parts.append(field(8, "g", signature))
    for f in parts:
        fields = pad(fields, 8) + f
    head = b"l\x01\0\x01" + struct.pack("<III", len(body), serial, len(fields))
    return pad(head + fields, 8) + body


def read_exactly(s, n):
    b = b""
    while len(b) < n:
        got = s.recv(n - len(b))
        if not got:
            sys.exit("the bus hung up")
        b += got
    return b


def read_message(s):
    head = read_exactly(s, 16)
    body, _, fields = struct.unpack("<III", head[4:16])
    rest = read_exactly(s, fields + (-fields % 8) + body)
    return head[1], rest


def main():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(sys.argv[1])
    uid = str(os.getuid()).encode().hex().encode()
    s.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
    if not s.recv(200).startswith(b"OK"):
        sys.exit("no login")
    s.sendall(b"BEGIN\r\n")
    bus = "org.freedesktop.DBus"
    s.sendall(message(1, "/org/freedesktop/DBus", bus, "Hello", bus))
    s.sendall(message(2, "/org/stillprint", "org.stillprint.Manager1", "Audit", "org.stillprint",
                      sys.argv[2], "u", struct.pack("<I", 0)))
    while True:
        kind, rest = read_message(s)
        if b"org.freedesktop.DBus.Error.Disconnected" in rest:
            sys.exit("cut off")
        if kind == 3:
            at = rest.index(b"\x04\x01s\0") + 4
            n = struct.unpack("<I", rest[at:at + 4])[0]
            print(rest[at + 4:at + 4 + n].decode())
            return
        if kind == 2 and b"aa{sv}" in rest:
            print("answered")
            return


main()
