// peer.hpp: the test's ends of connections.
#pragma once

#include "tests/watch/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace lab
{

/// The test's end of a connection. It remembers what was said, so that a failure can tell the whole
/// story.
class Peer
{
  public:
    explicit Peer(int descriptor) : fd_(descriptor) {}
    /// Connects to a server here; tries again while none listens yet. Throws std::system_error
    /// after `limit`.
    static Peer to(int port, const std::string& host = "127.0.0.1", Seconds limit = patience);
    ~Peer();
    Peer(Peer&& other) noexcept;
    Peer(const Peer&) = delete;

    bool say(std::string_view bytes); ///< sends all of it; false if the connection is gone
    void half_close() const; ///< no more from this side: the other one's recv returns nothing
    void reset();            ///< ends the connection the hard way, with RST
    void close();
    /// Leaves in good order, with FIN; if the other side has left first, so that nothing of the
    /// connection remains: a server without SO_REUSEADDR could not have its port for a minute.
    void leave() { ended_ ? reset() : close(); }
    int fd() const { return fd_; }
    std::string address() const; ///< of this end, as the server prints it; also when it is closed

    /// All that comes until `count` bytes are there, the other side closes, or `limit` passes.
    std::string receive(std::size_t count, Seconds limit = patience);
    /// All that has come, without waiting.
    std::string receive_now() { return has_news() ? receive(1 << 20, Seconds(0)) : ""; }
    bool ended() const { return ended_; }         ///< the other side has closed or reset
    bool was_reset() const { return was_reset_; } ///< with RST, not FIN
    const std::vector<std::string>& sent() const { return sent_; } ///< every message, in order
    /// How many segments with data have come in so far; -1 if the system does not count them.
    long segments() const;
    /// True if something, be it the end, can be received at once.
    bool has_news(Seconds within = Seconds(0)) const;

    /// Success if exactly `text` comes next. If not, the failure says what was sent, what was
    /// expected, what came, and where in the notebook to look.
    testing::AssertionResult hears(const std::string& text, const std::string& hint);
    /// Success if the other side closes and sends nothing before that.
    testing::AssertionResult sees_the_end(const std::string& hint);

  private:
    testing::AssertionResult tell(const std::string& due, const std::string& came,
                                  const std::string& hint) const;

    int fd_ = -1;
    std::string address_; ///< when it is closed
    std::string said_ = "nothing";
    std::vector<std::string> sent_;
    bool ended_ = false;
    bool was_reset_ = false;
};

/// What comes until `count` bytes are there, the other side has ended, or its program has been at
/// rest for so long. Program::until
std::string hear(Program& program, Peer& peer, std::size_t count, Seconds silence);
/// How many bytes of `expected` are still to come.
inline std::size_t rest_of(std::string_view expected, std::string_view received)
{
    return expected.size() - std::min(expected.size(), received.size());
}

/// A listening socket of the test's own, for a client to connect to.
class Listener
{
  public:
    explicit Listener(int port = 0, const std::string& host = "127.0.0.1");
    ~Listener();
    Listener(const Listener&) = delete;
    int port() const { return port_; }
    Peer accept(Seconds limit = patience) const;
    bool has_client() const; ///< accept would not wait
    void close();            ///< somebody else may have the port now

  private:
    int fd_ = -1;
    int port_ = 0;
};

} // namespace lab
