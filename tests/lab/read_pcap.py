"""Reads a file of packets without the lab's own code, and prints a line for each TCP segment: flags, relative sequence number,
length. Usage: read_pcap.py FILE"""
import struct
import sys

LINK_ETHERNET, ETHER_IPV4, IP_TCP = 1, 0x0800, 6
FLAGS = "FSRP.U"  # from the lowest bit on; the dot is ACK, as tcpdump has it

with open(sys.argv[1], "rb") as file:
    magic, major, minor, _, _, _, link = struct.unpack("=IHHiIII", file.read(24))
    assert magic in (0xA1B2C3D4, 0xA1B23C4D) and (major, minor) == (2, 4), "no pcap file of version 2.4"
    assert link == LINK_ETHERNET, "not Ethernet"
    first = {}  # the first sequence number of each side, by its port
    while head := file.read(16):
        _, _, kept, length = struct.unpack("=4I", head)
        frame = file.read(kept)
        assert len(frame) == kept <= length, "a packet is cut off"
        if frame[12:14] != struct.pack("!H", ETHER_IPV4) or frame[23] != IP_TCP:
            continue
        ip = frame[14:14 + struct.unpack("!H", frame[16:18])[0]]
        tcp = ip[(ip[0] & 15) * 4:]
        source, sequence = struct.unpack("!HxxI", tcp[:8])
        first.setdefault(source, sequence)
        flags = "".join(name for bit, name in enumerate(FLAGS) if tcp[13] >> bit & 1)
        print(f"[{flags}] seq {sequence - first[source]} len {len(tcp) - (tcp[12] >> 4) * 4}")
