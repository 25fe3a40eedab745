// Step 4: the bytes of a name come back as they are, and what one recv returns is one message.
#include "talk.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <thread>

using namespace lab;

namespace
{

/// Two messages that came during a pause are one: what one recv takes, seen from what is greeted.
testing::AssertionResult takes_what_has_arrived(Server& server)
{
    Talk joined(server, true);
    if (const auto welcomed = joined.is_welcomed(); !welcomed) {
        return welcomed;
    }
    joined.say("Sarah");
    std::this_thread::sleep_for(times::moment); // the server thinks; what comes now is one message
    joined.say("Yam");
    joined.say("May");
    if (const auto heard = joined.hears_greeting("Sarah"); !heard) {
        return heard;
    }
    const std::string expected = greeting_of("YamMay");
    const std::string came =
        hear(server, joined.peer(), expected.size(), Seconds(server.delay()) + times::a_while);
    if (came == expected) {
        return testing::AssertionSuccess();
    }
    const Exchange exchange{{"Sarah", "Yam", "May"}, expected, came, {}, {}, 2};
    return joined.fails(
        {"\"Yam\" and \"May\", in two sends, while the server was in its pause", quote(expected),
         came.empty() ? "nothing" : quote(came),
         server.has_ended() ? ""
         : came.starts_with(greeting_of("Yam"))
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

/// Of a longer message, one recv takes 1,024 bytes.
testing::AssertionResult takes_a_kilobyte(Server& server)
{
    Talk much(server, true);
    if (const auto welcomed = much.is_welcomed(); !welcomed) {
        return welcomed;
    }
    much.say(std::string(1024, 'a') + std::string(1000, 'b'));
    const std::string expected =
        greeting_of(std::string(1024, 'a')) + greeting_of(std::string(1000, 'b'));
    const std::string came =
        hear(server, much.peer(), expected.size(), Seconds(server.delay()) + times::a_while);
    if (came == expected) {
        return testing::AssertionSuccess();
    }
    const std::size_t around = greeting_of("").size();
    const std::string end = texts()["greeting after"];
    const std::size_t taken = std::min(came.find(end), came.size()) + end.size();
    long size = 0; // of the room that recv was given, if that was seen
    for (const Call& call : server.calls()) {
        size = call.kind == "recv" && call.data.starts_with("aaaa") ? call.size : size;
    }
    return much.fails(
        {"1,024 letters a and 1,000 letters b",
         "a greeting of the first 1,024 bytes, then one of the rest",
         came.empty() ? "nothing" : quote(came),
         server.has_ended() ? ""
         : taken > around && taken != 1024 + around
             ? fill(size > 0 && size != 1024
                        ? "A message of {count} bytes was greeted first: recv was given room for "
                          "{size} bytes, where the notebook's has 1024."
                        : "A message of {count} bytes was greeted first.",
                    {{"count", std::to_string(taken - around)}, {"size", std::to_string(size)}})
             : "The rest of a message that is longer than 1,024 bytes is the next message: "
               "what recv has not taken stays until it is called again.",
         step::recv, "(head -c 2024 /dev/zero | tr '\\0' x; sleep 5) | nc -q0 127.0.0.1 9999"});
}

/// Success if the server goes on, or it was not one of these clients' names that has ended it.
testing::AssertionResult is_not_ended_by_one(Server& server, std::vector<Talk>& clients)
{
    const auto departure = server.has_ended() ? clients.front().departure() : std::nullopt;
    for (Talk& client : clients) {
        if (departure && client.address().ends_with(":" + std::to_string(departure->client))) {
            const std::string name = client.peer().sent().back();
            return client.fails({quote(name), quote(greeting_of(name)),
                                 "the end of the whole server", "", step::greeting, by_hand(name)});
        }
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
    const std::size_t at_once = is_found("one at a time") ? 1 : names.size();
    for (std::size_t first = 0; first < names.size(); first += at_once) {
        std::vector<Talk> clients;
        clients.reserve(at_once);
        for (std::size_t i = 0; i < at_once; ++i) {
            clients.emplace_back(server, true);
            REQUIRE(clients.back().is_welcomed());
            clients.back().say(names[first + i]);
        }
        for (std::size_t i = 0; i < at_once; ++i) {
            const std::string& name = names[first + i];
            const auto heard = clients[i].hears_greeting(
                name, {}, name.size() == 1024 ? step::recv : step::greeting);
            if (!heard) {
                REQUIRE(is_not_ended_by_one(server, clients));
            }
            REQUIRE(heard);
        }
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
    } else if (answer != greeting_of("\xc4\xe3")) {
        REQUIRE(no_text.fails(
            {"", quote(greeting_of("\xc4\xe3")), quote(answer),
             "Bytes that are not UTF-8 came back as others (decode with 'replace' or 'ignore', or "
             "another encoding). A name comes back byte for byte, whatever its encoding.",
             step::greeting, by_hand("\xc4\xe3")}));
    }
    no_text.leave();
    if (is_found("another pause") || is_found("one message")) {
        return; // in which these would have to arrive; or nothing more is received
    }
    auto taken = takes_what_has_arrived(server);
    for (int again = 0; !taken && !server.has_ended() && again < 2; ++again) { // or was it late?
        taken = takes_what_has_arrived(server);
    }
    REQUIRE(taken);
    REQUIRE(takes_a_kilobyte(server));
}

} // namespace
