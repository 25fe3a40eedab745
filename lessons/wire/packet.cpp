#include "packet.hpp"
#include "common/screen.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <utility>

#include <netinet/in.h>

Packet::Packet(const Frame& frame) : frame_(frame)
{
    const std::uint32_t type = frame.number(12, 2);
    if (type == 0x0806) {
        kind = Kind::arp;
        return;
    }
    const bool is_six = type == 0x86dd; // IPv6: RFC 8200
    if (type != 0x0800 && !is_six) {
        return;
    }
    transport = link + (is_six ? std::size_t{40} : std::size_t{frame.number(link, 1) & 0xf} * 4);
    const std::uint32_t protocol = frame.number(link + (is_six ? 6 : 9), 1);
    const std::size_t end =
        is_six ? transport + frame.number(link + 4, 2) : link + frame.number(link + 2, 2);
    if (protocol == IPPROTO_TCP) {
        kind = Kind::tcp;
        flags = frame.number(transport + 13, 1);
        sequence = frame.number(transport + 4, 4);
        acknowledged = frame.number(transport + 8, 4);
        data = transport + std::size_t{frame.number(transport + 12, 1) >> 4} * 4;
    } else if (protocol == IPPROTO_UDP) {
        kind = Kind::udp;
        data = transport + 8;
    } else if (protocol == IPPROTO_ICMP) {
        kind = Kind::icmp;
        const std::size_t about = transport + 8; // the packet that it is about, from IP on
        const std::size_t header = about + std::size_t{frame.number(about, 1) & 0xf} * 4;
        from = frame.number(header + 2, 2); // the other way round: it goes back
        to = frame.number(header, 2);
        return;
    } else {
        return;
    }
    from = frame.number(transport, 2);
    to = frame.number(transport + 2, 2);
    length = end > data ? end - data : 0;
}

std::string Packet::flag_names() const
{
    std::string names;
    for (const auto& [flag, name] :
         {std::pair{'F', "FIN"}, {'S', "SYN"}, {'R', "RST"}, {'P', "PSH"}, {'A', "ACK"}}) {
        names += has(flag) ? (names.empty() ? "" : " ") + std::string(name) : "";
    }
    return names;
}

std::string Packet::payload() const
{
    const std::string text(frame_.bytes.begin() + static_cast<long>(data),
                           frame_.bytes.begin() + static_cast<long>(data + length));
    const std::string shown = "\"" + visible(text) + "\"";
    return shown.size() <= 16 ? shown : "len=" + std::to_string(length);
}

/// The Internet checksum of some bytes, in a sum that is already there. RFC 1071
static std::uint32_t checksum(const Frame& frame, std::size_t at, std::size_t size,
                              std::uint32_t sum = 0)
{
    for (std::size_t i = 0; i < size; i += 2) {
        sum += frame.number(at + i, 1) << 8 | (i + 1 < size ? frame.number(at + i + 1, 1) : 0);
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

std::vector<std::string> unfold(const Frame& frame)
{
    const Packet packet(frame);
    std::vector<std::string> lines;
    const auto title = [&](const char* layer, std::size_t bytes, const std::string& what) {
        char text[100];
        std::snprintf(text, sizeof text, "%-11s %3zu bytes   %s", layer, bytes, what.c_str());
        lines.emplace_back(text);
    };
    const auto field = [&](std::size_t at, std::size_t size, const char* name,
                           const std::string& meaning) {
        char text[160];
        std::snprintf(text, sizeof text, "  %4zu  %-36s %-17s %s", at, frame.hex(at, size).c_str(),
                      name, meaning.c_str());
        lines.emplace_back(text);
    };
    const auto decimal = [&](std::size_t at, std::size_t size) {
        return std::to_string(frame.number(at, size));
    };
    const bool addressed = frame.number(6, 4) != 0;
    const std::string nobody = addressed ? "" : " (no card)";
    title("link", Packet::link, "Ethernet: from one card to the next");
    field(0, 6, "destination", frame.hex(0, 6, ":") + nobody);
    field(6, 6, "source", frame.hex(6, 6, ":") + nobody);
    const bool is_six = frame.number(12, 2) == 0x86dd;
    field(12, 2, "type", packet.kind == Packet::Kind::arp ? "ARP" : is_six ? "IPv6" : "IPv4");
    if (packet.kind == Packet::Kind::arp) {
        title("ARP", 28, "which card has this address?");
        field(14, 2, "hardware type", "Ethernet");
        field(16, 2, "protocol type", "IPv4");
        field(18, 2, "address lengths", "6 and 4 bytes");
        field(20, 2, "operation",
              decimal(20, 2) + (frame.number(20, 2) == 1 ? ": a question" : ": an answer"));
        field(22, 6, "sender's card", frame.hex(22, 6, ":"));
        field(28, 4, "sender's IP", frame.ip(28));
        field(32, 6, "target's card",
              frame.number(20, 2) == 1 ? "not known yet" : frame.hex(32, 6, ":"));
        field(38, 4, "target's IP", frame.ip(38));
        return lines;
    }
    const std::size_t ip = Packet::link;
    title("network", packet.transport - ip, "IP: from one machine to another");
    if (is_six) {
        field(ip, 4, "version, flow", "6");
        field(ip + 4, 2, "payload length", decimal(ip + 4, 2));
        field(ip + 6, 1, "next header", "TCP");
        field(ip + 7, 1, "hop limit", decimal(ip + 7, 1) + " more machines on the way");
        field(ip + 8, 8, "source", "and 8 bytes more");
        field(ip + 24, 8, "destination", "and 8 bytes more");
    } else {
        field(ip, 1, "version, length",
              "4, and " + std::to_string(packet.transport - ip) + " bytes");
        field(ip + 1, 1, "service", "of no special kind");
        field(ip + 2, 2, "total length", decimal(ip + 2, 2) + ", from here to the end");
        field(ip + 4, 4, "identification", "and whether it may be cut");
        field(ip + 8, 1, "time to live", decimal(ip + 8, 1) + " more machines on the way");
        field(ip + 9, 1, "protocol", "TCP");
        field(ip + 10, 2, "checksum",
              checksum(frame, ip, packet.transport - ip) == 0xffff ? "right" : "wrong");
        field(ip + 12, 4, "source", frame.ip(ip + 12));
        field(ip + 16, 4, "destination", frame.ip(ip + 16));
    }

    const std::size_t tcp = packet.transport;
    const std::size_t segment = packet.data - tcp + packet.length;
    const std::uint32_t pseudo =
        (is_six ? checksum(frame, ip + 8, 32) : checksum(frame, ip + 12, 8)) + IPPROTO_TCP +
        static_cast<std::uint32_t>(segment);
    title("transport", packet.data - tcp, "TCP: from one program to another, as a stream");
    field(tcp, 2, "source port", decimal(tcp, 2));
    field(tcp + 2, 2, "destination port", decimal(tcp + 2, 2));
    field(tcp + 4, 4, "sequence number", decimal(tcp + 4, 4) + ", of the first byte");
    field(tcp + 8, 4, "acknowledgement", decimal(tcp + 8, 4) + ", the byte expected next");
    field(tcp + 12, 1, "header length", std::to_string(packet.data - tcp) + " bytes");
    field(tcp + 13, 1, "flags", packet.flag_names());
    field(tcp + 14, 2, "window", decimal(tcp + 14, 2) + ", scaled: room left in its buffer");
    field(tcp + 16, 2, "checksum",
          checksum(frame, tcp, segment, pseudo) == 0xffff ? "right"
                                                          : "left to a card; here is none");
    field(tcp + 18, 2, "urgent", "not used");
    field(tcp + 20, packet.data - tcp - 20, "options", "time stamps");
    title("application", packet.length, "what send was given");
    field(packet.data, packet.length, "data", packet.payload());
    return lines;
}

bool write_pcap(const std::string& path, const std::vector<Frame>& frames)
{
    std::ofstream file(path, std::ios::binary);
    const auto put = [&](std::initializer_list<std::uint32_t> numbers) {
        for (const std::uint32_t number : numbers) { // the magic number tells the byte order
            file.write(reinterpret_cast<const char*>(&number), sizeof number);
        }
    };
    constexpr std::array<std::uint16_t, 2> version = {2, 4};
    constexpr std::uint32_t ethernet = 1;
    put({0xa1b23c4d});
    file.write(reinterpret_cast<const char*>(version.data()), sizeof version);
    put({0, 0, 65535, ethernet});
    for (const Frame& frame : frames) {
        const auto size = static_cast<std::uint32_t>(frame.bytes.size());
        put({static_cast<std::uint32_t>(frame.time / 1'000'000'000),
             static_cast<std::uint32_t>(frame.time % 1'000'000'000), size, size});
        file.write(reinterpret_cast<const char*>(frame.bytes.data()), size);
    }
    file.close();
    return !file.fail();
}
