// Step 4: the bytes of a name come back as they are, and what one recv returns is one message.
#include "talk.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <thread>

using namespace lab;

namespace
{

/// What one recv takes, seen from what is greeted: two messages that came during a pause are one,
/// and of a longer one, 1,024 bytes.
testing::AssertionResult takes_what_has_arrived(Server& server)
{
    Talk joined(server, true);
    Talk much(server, true);
    for (Talk* client : {&joined, &much}) {
        if (const auto welcomed = client->is_welcomed(); !welcomed) {
            return welcomed;
        }
    }
    joined.say("Sarah");
    much.say("Sarah");
    std::this_thread::sleep_for(times::moment); // the server thinks; what comes now is one message
    joined.say("Yam");
    joined.say("May");
    much.say(std::string(1024, 'a') + std::string(1000, 'b'));
    for (Talk* client : {&joined, &much}) {
        if (const auto heard = client->hears_greeting("Sarah"); !heard) {
            return heard;
        }
    }
    const auto answer_of = [&](Talk& client, std::size_t count) {
        return hear(server, client.peer(), count, Seconds(server.delay()) + times::a_while);
    };
    if (const std::string came = answer_of(joined, 14); came != "Hello, YamMay!") {
        const Exchange exchange{{"Sarah", "Yam", "May"}, "Hello, YamMay!", came, {}, {}, 2};
        return joined.fails(
            {"\"Yam\" and \"May\", in two sends, while the server was in its pause",
             quote("Hello, YamMay!"), came.empty() ? "nothing" : quote(came),
             server.has_ended() ? ""
             : came.starts_with("Hello, Yam!")
                 ? "The two were greeted one by one: recv was called before the pause had passed, "
                   "or no pause is made here. What has arrived when recv is called is one message: "
                   "TCP knows no messages, only bytes."
             : came.empty()
                 ? "What came during the pause was thrown away: it was received, and not greeted. "
                   "Whatever has arrived when recv is called is the next message."
                 : diagnose(exchange),
             step::recv,
             "(printf Sarah; sleep 0.5; printf Yam; sleep 0.1; printf May; sleep 3) | nc -q0 "
             "127.0.0.1 9999",
             "joined"});
    }
    const std::string first = "Hello, " + std::string(1024, 'a') + "!";
    const std::string second = "Hello, " + std::string(1000, 'b') + "!";
    if (const std::string came = answer_of(much, first.size() + second.size());
        came != first + second) {
        const std::size_t taken = std::min(came.find('!'), came.size());
        return much.fails(
            {"1,024 letters a and 1,000 letters b",
             "a greeting of the first 1,024 bytes, then one of the rest",
             came.empty() ? "nothing" : quote(came),
             server.has_ended() ? ""
             : taken > 7 && taken != 1031
                 ? fill("A message of {count} bytes was greeted first: recv is given another size "
                        "than 1,024, or is called more than once for a message.",
                        {{"count", std::to_string(taken - 7)}})
                 : "The rest of a message that is longer than 1,024 bytes is the next message: "
                   "what recv has not taken stays until it is called again.",
             step::recv, "(head -c 2024 /dev/zero | tr '\\0' x; sleep 5) | nc -q0 127.0.0.1 9999"});
    }
    return testing::AssertionSuccess();
}

TEST(NotebookServer, ReturnsEveryByte)
{
    Server server("0.3");
    const std::vector<std::string> names = {"Al Bo",
                                            "0",
                                            " Yam ",
                                            " ",
                                            "%s %d %x",
                                            "{0} $& \\1",
                                            "王小明 é ü",
                                            std::string("a\0b\0", 4),
                                            "a\tb\nc\r\n",
                                            "\x01\x1b\x7f",
                                            std::string(1024, 'x')};
    std::vector<Talk> clients;
    clients.reserve(names.size());
    for (const std::string& name : names) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
        clients.back().say(name);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto heard = clients[i].hears_greeting(
            names[i], {}, names[i].size() == 1024 ? step::recv : step::greeting);
        const auto departure = clients[i].departure();
        for (std::size_t k = 0; k < names.size() && !heard && server.has_ended() && departure;
             ++k) {
            if (clients[k].address().ends_with(":" + std::to_string(departure->client))) {
                REQUIRE(clients[k].fails({quote(names[k]), quote("Hello, " + names[k] + "!"),
                                          "the end of the whole server", "", step::greeting,
                                          by_hand(names[k])}));
            }
        }
        REQUIRE(heard);
    }

    Talk no_text(server, true); // the notebook's thread ends here; a wrong answer is another thing
    REQUIRE(no_text.is_welcomed());
    no_text.say("\xc4\xe3");
    server.until([&] { return no_text.peer().has_news(); },
                 Seconds(server.delay()) + times::in_a_burst);
    const std::string answer = no_text.peer().receive_now();
    if (answer.empty()) {
        RecordProperty("note", "Bytes that are not UTF-8 are not answered, as by the notebook's "
                               "server, which decodes them. A name need not be decoded.");
    } else if (answer != "Hello, \xc4\xe3!") {
        REQUIRE(no_text.fails(
            {"", quote("Hello, \xc4\xe3!"), quote(answer),
             "Bytes that are not UTF-8 came back as others (decode with 'replace' or 'ignore', or "
             "another encoding). A name comes back byte for byte, whatever its encoding.",
             step::greeting, by_hand("\xc4\xe3")}));
    }
    auto taken = takes_what_has_arrived(server);
    for (int again = 0; !taken && !server.has_ended() && again < 2; ++again) { // or was it late?
        taken = takes_what_has_arrived(server);
    }
    REQUIRE(taken);
}

} // namespace
