#!/usr/bin/env python3
"""Asks a DNS server for the IPv4 address of a name; ends with 0 when it has one.

Usage: resolve.py SERVER NAME
"""
import socket
import struct
import sys

server, name = sys.argv[1:]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(2)
    client.sendto(struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + question, (server, 53))
    _, flags, _, answers = struct.unpack(">4H", client.recv(512)[:8])
sys.exit(0 if flags & 0xF == 0 and answers else f"{name}: code {flags & 0xF}, {answers} answers")
