#!/usr/bin/env python3
"""The far end of a VPN's tunnels: what a router's RoutingInstance does in its line cards, for the lab and for tests.

One TUN device is the RoutingInstance's table: packets that this host routes into it leave as MPLS-in-UDP (RFC 7510) or MPLS-in-GRE
(RFC 4023) towards the next hop and label of the longest matching route; what arrives with the inbound label comes out of it.
Standard library only, and nothing in common with the forwarder of the agent: each is the other's witness.

    vpn-peer.py --tun vpn0 --local 172.16.0.2 --label 100 --route 100.0.0.4/32=172.16.0.1:21:udp,172.16.0.3:21:gre
    vpn-peer.py --tun vpn0 --local 172.16.0.2 --label 100 --routes FILE

A FILE has one path a line, "PREFIX NEXTHOP LABEL udp|gre"; several lines of one prefix share its flows. SIGHUP reads it again. The
device is up with the MTU given (1468: an Ethernet of 1500 less 32); addresses and routes on it are the caller's. "ready" on standard
output says that packets flow; SIGUSR1 writes what was carried and dropped as one line of JSON; SIGTERM ends it, device and all.
"""

import argparse
import fcntl
import ipaddress
import json
import os
import selectors
import signal
import socket
import struct
import sys

MPLS_IN_UDP_PORT = 6635
GRE_PROTOCOL = 47
GRE_MPLS = struct.pack("!HH", 0, 0x8847)
FIRST_ENTROPY_PORT, ENTROPY_PORTS = 49152, 64
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU, IFF_UP = 0x8913, 0x8914, 0x8922, 1
BATCH = 64


def parse_path(text):
    next_hop, label, encapsulation = text.rsplit(":", 2)
    return make_path(next_hop, label, encapsulation)


def make_path(next_hop, label, encapsulation):
    ipaddress.IPv4Address(next_hop)
    if not 0 <= int(label) < 1 << 20:
        raise ValueError(f"label {label}")
    if encapsulation not in ("udp", "gre"):
        raise ValueError(f"encapsulation {encapsulation}")
    return next_hop, int(label), encapsulation


class Routes:
    """Longest prefix match, one dictionary for each prefix length in use."""

    def __init__(self, pairs):
        self.tables = {4: {}, 6: {}}
        for prefix, path in pairs:
            network = ipaddress.ip_network(prefix)
            paths = self.tables[network.version].setdefault(network.prefixlen, {})
            paths.setdefault(int(network.network_address), []).append(path)
        self.lengths = {version: sorted(table, reverse=True) for version, table in self.tables.items()}

    def find(self, version, destination):
        bits = 32 if version == 4 else 128
        for length in self.lengths[version]:
            paths = self.tables[version][length].get(destination >> (bits - length) << (bits - length))
            if paths:
                return paths
        return None


class Peer:
    def __init__(self, options):
        self.options = options
        self.counters = {"tx_udp": 0, "tx_gre": 0, "rx_udp": 0, "rx_gre": 0, "no_route": 0, "dropped": 0, "errors": 0, "rx_udp_ports": []}
        self.source_ports = set()
        self.routes = self.read_routes()
        self.tun = self.open_tun()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind((options.local, MPLS_IN_UDP_PORT))
        self.gre = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE_PROTOCOL)
        self.gre.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.gre.bind((options.local, 0))
        self.udp.setblocking(False)
        self.gre.setblocking(False)
        self.senders = {}

    def open_tun(self):
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        name = self.options.tun.encode()
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name, IFF_TUN | IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si20x", name, self.options.mtu))
            flags = struct.unpack("16sH22x", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s24x", name)))[1]
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags | IFF_UP))
        return tun

    def read_routes(self):
        pairs = []
        for route in self.options.route:
            prefix, _, paths = route.partition("=")
            pairs += [(prefix, parse_path(path)) for path in paths.split(",")]
        if self.options.routes:
            with open(self.options.routes, encoding="ascii") as lines:
                for words in (line.split() for line in lines):
                    if words and not words[0].startswith("#"):
                        pairs.append((words[0], make_path(*words[1:])))
        return Routes(pairs)

    def reload(self, *_):
        try:
            self.routes = self.read_routes()
        except (OSError, TypeError, ValueError) as fault:
            print(f"vpn-peer: routes kept as they were: {fault}", file=sys.stderr, flush=True)

    def report(self, *_):
        self.counters["rx_udp_ports"] = sorted(self.source_ports)
        print(json.dumps(self.counters), flush=True)

    def sender(self, flow):
        """A UDP socket whose source port belongs to the flow."""
        port = FIRST_ENTROPY_PORT + flow % ENTROPY_PORTS
        if port not in self.senders:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: fragment rather than lose
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            udp.bind((self.options.local, port))
            self.senders[port] = udp
        return self.senders[port]

    def outward(self):
        for _ in range(BATCH):
            try:
                packet = os.read(self.tun, 65536)
            except BlockingIOError:
                return
            version = packet[0] >> 4
            if version == 4:
                addresses, destination = packet[12:20], packet[16:20]
                ports = packet[(packet[0] & 15) * 4:][:4] if packet[9] in (6, 17) and not int.from_bytes(packet[6:8], "big") & 0x3FFF else b""
            else:
                addresses, destination = packet[8:40], packet[24:40]
                ports = packet[40:44] if packet[6] in (6, 17) else b""
            paths = self.routes.find(version, int.from_bytes(destination, "big"))
            if not paths:
                self.counters["no_route"] += 1
                continue
            flow = hash(addresses + ports)
            next_hop, label, encapsulation = paths[flow % len(paths)]
            labelled = struct.pack("!I", label << 12 | 0x100 | self.options.ttl) + packet
            try:
                if encapsulation == "udp":
                    self.sender(flow >> 8).sendto(labelled, (next_hop, MPLS_IN_UDP_PORT))
                else:
                    self.gre.sendto(GRE_MPLS + labelled, (next_hop, 0))
                self.counters["tx_" + encapsulation] += 1
            except OSError:
                self.counters["errors"] += 1

    def inward(self, endpoint, encapsulation):
        for _ in range(BATCH):
            try:
                packet, source = endpoint.recvfrom(65536)
            except BlockingIOError:
                return
            if encapsulation == "gre":
                packet = packet[(packet[0] & 15) * 4:]
                if packet[:4] != GRE_MPLS:
                    self.counters["dropped"] += 1
                    continue
                packet = packet[4:]
            entry = int.from_bytes(packet[:4], "big")
            if len(packet) < 24 or entry >> 12 != self.options.label or not entry & 0x100 or entry & 0xFF < 2:
                self.counters["dropped"] += 1
                continue
            try:
                os.write(self.tun, packet[4:])
                self.counters["rx_" + encapsulation] += 1
                if encapsulation == "udp":
                    self.source_ports.add(source[1])
            except OSError:
                self.counters["errors"] += 1

    def run(self):
        signal.signal(signal.SIGHUP, self.reload)
        signal.signal(signal.SIGUSR1, self.report)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        ready = selectors.DefaultSelector()
        ready.register(self.tun, selectors.EVENT_READ, self.outward)
        ready.register(self.udp, selectors.EVENT_READ, lambda: self.inward(self.udp, "udp"))
        ready.register(self.gre, selectors.EVENT_READ, lambda: self.inward(self.gre, "gre"))
        print("ready", flush=True)
        while True:
            for key, _ in ready.select():
                key.data()


def main():
    parser = argparse.ArgumentParser(prog="vpn-peer.py", description="The far end of a VPN's MPLS tunnels.")
    parser.add_argument("--tun", required=True, help="name of the device")
    parser.add_argument("--local", required=True, help="this end's IPv4 address")
    parser.add_argument("--label", required=True, type=int, help="the label others send to us with")
    parser.add_argument("--route", action="append", default=[], metavar="PREFIX=NEXTHOP:LABEL:udp|gre[,...]", help="may be given several times")
    parser.add_argument("--routes", metavar="FILE", help='lines "PREFIX NEXTHOP LABEL udp|gre"; read again on SIGHUP')
    parser.add_argument("--mtu", type=int, default=1468)
    parser.add_argument("--ttl", type=int, default=64, help="of the labels we send")
    options = parser.parse_args()
    try:
        peer = Peer(options)
    except (OSError, TypeError, ValueError) as fault:
        sys.exit(f"vpn-peer: {fault}")
    peer.run()


if __name__ == "__main__":
    main()
