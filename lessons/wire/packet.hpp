// packet.hpp: what was caught on the wire, taken apart layer by layer, and written to a file for
// Wireshark. packet(7), ip(7), tcp(7); RFC 791, 826, 9293
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// A frame as it was on the wire, and when: nanoseconds of CLOCK_REALTIME.
struct Frame {
    std::int64_t time = 0;
    std::vector<std::uint8_t> bytes;
    bool is_lost = false; ///< it was thrown away, so that the scene shows what happens then

    std::uint32_t number(std::size_t at, std::size_t size) const ///< in network byte order
    {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + size; ++i) {
            value = value << 8 | (i < bytes.size() ? bytes[i] : 0U);
        }
        return value;
    }
    std::string ip(std::size_t at) const
    {
        return std::to_string(number(at, 1)) + "." + std::to_string(number(at + 1, 1)) + "." +
               std::to_string(number(at + 2, 1)) + "." + std::to_string(number(at + 3, 1));
    }
    std::string hex(std::size_t at, std::size_t size, const char* between = " ") const
    {
        std::string text;
        for (std::size_t i = at; i < at + size && i < bytes.size(); ++i) {
            constexpr char digits[] = "0123456789abcdef";
            text += i > at ? between : "";
            text += {digits[bytes[i] / 16], digits[bytes[i] % 16]};
        }
        return text;
    }
};

/// What a frame carries, in the words of the page.
struct Packet {
    enum class Kind { other, tcp, udp, icmp, arp };
    static constexpr std::size_t link = 14; ///< bytes of Ethernet's header

    explicit Packet(const Frame& frame);

    bool has(char flag) const ///< of TCP: 'S'YN, 'A'CK, 'F'IN, 'R'ST, 'P'SH
    {
        constexpr std::string_view order = "FSRPA";
        return kind == Kind::tcp && (flags >> order.find(flag) & 1) != 0;
    }
    /// "SYN ACK", as the tutorial writes flags.
    std::string flag_names() const;
    /// What it carries: a short text in quotes, a long one as its length.
    std::string payload() const;

    Kind kind = Kind::other;
    std::size_t transport = 0; ///< where TCP's, UDP's or ICMP's header begins
    std::size_t data = 0;      ///< where the payload begins
    std::size_t length = 0;    ///< of the payload
    std::uint32_t flags = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;
    std::uint32_t from = 0; ///< ports
    std::uint32_t to = 0;

  private:
    const Frame& frame_;
};

/// One packet, layer by layer: each field's bytes, and what they mean. A line each.
std::vector<std::string> unfold(const Frame& frame);

/// Writes frames as Wireshark and tcpdump read them: pcap, with nanoseconds. False if it fails.
bool write_pcap(const std::string& path, const std::vector<Frame>& frames);
