// visit.hpp: a client that is judged, and the test as its server.
#pragma once

#include "diagnosis.hpp"
#include "finding.hpp"
#include "harness.hpp"
#include "tests/watch/texts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lab
{

/// The notebook's names.
inline const std::vector<std::string> names = {"Yam", "May", "Sarah"};

/// The client that is judged, and the test as its server.
class Visit
{
  public:
    explicit Visit(Program::Output output = Program::Output::file);

    testing::AssertionResult connects();
    testing::AssertionResult fails(Finding finding);

    /// Expects this message next, and nothing behind it. `next` are those that may come later.
    testing::AssertionResult hears(const std::string& expected, const std::string& look_at,
                                   const std::vector<std::string>& next);
    const std::string& heard() const { return heard_; } ///< in the place of the last message
    /// Expects nothing for so long. `diagnosis` is for a message that comes, `if_closed` for the
    /// end of the connection.
    testing::AssertionResult
    hears_nothing_for(Seconds time, const std::string& look_at, const std::string& diagnosis,
                      const std::string& if_closed =
                          "The connection was closed before the conversation was over.");

    /// Gives the ports back: another visit of a client that knows only one port is possible.
    void gives_its_ports_back();
    /// True if this client prints the welcome on a terminal when it has come. Gives the ports back.
    bool prints_at_once();
    /// The conversation as far as this many names.
    testing::AssertionResult converses(std::size_t count);

  private:
    Listener listener_;
    std::string heard_;

  public:
    Program client;
    std::optional<Peer> server; ///< the server's end of the connection, once there is one
};

} // namespace lab
