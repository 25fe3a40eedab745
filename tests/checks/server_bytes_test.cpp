// Step 4: the bytes of a name come back as they are, and what one recv returns is one message.
#include "talk.hpp"

#include <thread>

using namespace lab;

namespace
{

TEST(NotebookServer, ReturnsEveryByte)
{
    Server server("0.3");
    const std::vector<std::string> names = {"Al Bo",
                                            " Yam ",
                                            "%s %d %x",
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
        REQUIRE(clients[i].hears_greeting(names[i], {},
                                          names[i].size() == 1024 ? step::recv : step::greeting));
    }

    Talk no_text(server, true); // the notebook's thread ends here; a wrong answer is another thing
    REQUIRE(no_text.is_welcomed());
    no_text.say("\xc4\xe3");
    server.until([&] { return no_text.peer().has_news(); }, Seconds(server.delay() + 0.3));
    if (no_text.peer().has_news()) {
        const std::string answer = no_text.peer().receive_now();
        if (!answer.empty() && answer != "Hello, \xc4\xe3!") {
            REQUIRE(no_text.fails(
                {"", quote("Hello, \xc4\xe3!"), quote(answer),
                 "Bytes that are not UTF-8 came back as others (decode with 'replace' or 'ignore', "
                 "or another encoding). A name comes back byte for byte, whatever its encoding.",
                 step::greeting, by_hand("\xc4\xe3")}));
        }
    }
    Talk joined(server, true);
    REQUIRE(joined.is_welcomed());
    Talk much(server, true);
    REQUIRE(much.is_welcomed());
    joined.say("Sarah");
    much.say("Sarah");
    std::this_thread::sleep_for(Seconds(0.1)); // the server thinks; what comes now is one message
    joined.say("Yam");
    joined.say("May");
    much.say(std::string(1024, 'a') + std::string(1000, 'b'));
    REQUIRE(joined.hears_greeting("Sarah"));
    REQUIRE(much.hears_greeting("Sarah"));
    if (!joined.hears_greeting("YamMay")) {
        REQUIRE(joined.fails(
            {"\"Yam\" and \"May\", in two sends, while the server was in its pause",
             quote("Hello, YamMay!"), "another answer",
             "What has arrived when recv is called is one message: TCP knows no messages, only "
             "bytes. Is recv called before the pause has passed, or are the messages separated?",
             step::recv,
             "(printf Sarah; sleep 0.5; printf Yam; sleep 0.1; printf May; sleep 3) | nc 127.0.0.1 "
             "{port}"}));
    }
    for (const std::string& name : {std::string(1024, 'a'), std::string(1000, 'b')}) {
        if (const auto heard = much.hears_greeting(name, {}, step::recv); !heard) {
            REQUIRE(much.fails({"1,024 letters a and 1,000 letters b",
                                "a greeting of the first 1,024 bytes, then one of the rest",
                                "another answer",
                                "recv is given another size than 1,024, so that a longer message "
                                "is cut elsewhere, or not at all.",
                                step::recv, ""}));
        }
    }
}

} // namespace
