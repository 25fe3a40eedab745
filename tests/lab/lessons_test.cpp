// The documents' other programs, seen from outside: the tutorial's client and servers, and the
// greeting over datagrams.
#include "../checks/harness.hpp"
#include "common.hpp"
#include "lessons/datagram.hpp"

#include <csignal>

using namespace lab;

namespace
{

const std::string nihao = "\xc4\xe3\xba\xc3"; // 你好 in GBK

/// A lesson's server that listens, and its port.
struct LessonServer {
    explicit LessonServer(const std::string& name, const std::string& options = "")
        : program(own("lessons/" + name) + " --port 0 " + options)
    {
        const bool udp = name == "udp_server";
        const auto said = [&] { return udp ? program.out() : program.err(); };
        eventually([&] {
            return said().find('\n') != std::string::npos || program.status(Seconds(0)) != -1;
        });
        const std::string line = said().substr(0, said().find('\n'));
        port = std::stoi(line.substr(line.rfind(':') + 1));
    }
    Program program;
    int port = 0;
};

/// The program ends with `status` and one line on standard error, in which all of `words` stand.
testing::AssertionResult ends(Program& program, int status, const std::vector<std::string>& words)
{
    const int got = program.status();
    const std::string said = program.err();
    bool right = got == status && said.find('\n') == said.size() - 1;
    for (const std::string& word : words) {
        right = right && said.find(word) != std::string::npos;
    }
    return right ? testing::AssertionSuccess()
                 : testing::AssertionFailure() << "status " << got << " where " << status
                                               << " was expected; it said: " << said;
}

testing::AssertionResult refuses(const std::string& command, const std::vector<std::string>& words)
{
    Program program(own("lessons/" + command));
    return ends(program, 2, words);
}

TEST(Lessons, RefuseAWrongCommandLineInASentence)
{
    for (const std::string name :
         {"thank_you_once", "thank_you_loop", "udp_server", "udp_client", "http_get"}) {
        EXPECT_TRUE(refuses(name + " --prot 1", {"--prot"}));
        EXPECT_TRUE(refuses(name + " --port 70000", {"--port", "70000"}));
        EXPECT_TRUE(refuses(name + " --host ''", {"--host"}));
    }
    for (const std::string name : {"thank_you_once", "thank_you_loop", "udp_server", "http_get"}) {
        EXPECT_TRUE(refuses(name + " stray", {"stray"}));
    }
    EXPECT_TRUE(refuses("udp_client --timeout nan", {"--timeout", "nan"}));
    EXPECT_TRUE(refuses("ask_and_send 127.0.0.1 http", {"Port", "http"}));
    EXPECT_TRUE(refuses("ask_and_send a 1 b c", {"'c'"}));
}

TEST(Lessons, SayThatThePortIsInUse)
{
    const Listener taken;
    for (const std::string name : {"thank_you_once", "thank_you_loop"}) {
        Program program(own("lessons/" + name) + " --host 127.0.0.1 --port " +
                        std::to_string(taken.port()));
        EXPECT_TRUE(ends(program, 1, {"bind 127.0.0.1:" + std::to_string(taken.port()), "in use"}));
    }
    const LessonServer first("udp_server");
    Program second(own("lessons/udp_server") + " --port " + std::to_string(first.port));
    EXPECT_TRUE(ends(second, 1, {"bind 127.0.0.1:", "in use"}));
}

// ---- ask_and_send -------------------------------------------------------------------------------

TEST(AskAndSend, AsksConnectsSendsAsGbkAndCloses)
{
    const Listener listener;
    Program client(own("lessons/ask_and_send"),
                   "127.0.0.1\n" + std::to_string(listener.port()) + "\n你好, Yam\n");
    Peer server = listener.accept();
    EXPECT_TRUE(server.hears(nihao + ", Yam", "lessons/ask_and_send.cpp"));
    EXPECT_TRUE(server.sees_the_end("lessons/ask_and_send.cpp"));
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Server address: Port: Data to send: ");
}

TEST(AskAndSend, TakesArgumentsForAnswers)
{
    const Listener listener;
    Program client(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(listener.port()),
                   "你好\n");
    Peer server = listener.accept();
    EXPECT_TRUE(server.hears(nihao, "lessons/ask_and_send.cpp"));
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Data to send: ");
}

TEST(AskAndSend, RefusesWhatGbkHasNoCodeForAndNamesIt)
{
    const Listener listener;
    Program client(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(listener.port()) +
                   " 'Yam 😀!'");
    EXPECT_TRUE(ends(client, 1, {"'😀'", "nothing was sent"}));
    Program typed(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(listener.port()),
                  "Yam \xff!\n");
    EXPECT_TRUE(ends(typed, 1, {"'\\xff'"}));
    Peer server = listener.accept();
    EXPECT_EQ(server.receive(100), "");
}

TEST(AskAndSend, SaysWhatWentWrong)
{
    const int nobody = Listener().port();
    Program refused(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(nobody) + " x");
    EXPECT_TRUE(ends(refused, 1, {"connect 127.0.0.1", "refused"}));
    Program no_answer(own("lessons/ask_and_send"), "127.0.0.1\n");
    EXPECT_TRUE(ends(no_answer, 1, {"ended", "Port"}));
}

// ---- thank_you_once and thank_you_loop ----------------------------------------------------------

TEST(ThankYouOnce, PrintsWhatOneClientSendsThanksItAndEnds)
{
    LessonServer server("thank_you_once");
    Peer client = Peer::to(server.port);
    client.say(nihao + "\x1b[2J");
    EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_once.cpp"));
    EXPECT_TRUE(client.sees_the_end("lessons/thank_you_once.cpp"));
    EXPECT_EQ(server.program.status(), 0);
    EXPECT_EQ(server.program.out(), "Received: 你好\\x1b[2J\n");
}

TEST(ThankYouOnce, SaysThatItsOnlyClientHasReset)
{
    LessonServer server("thank_you_once");
    Peer::to(server.port).reset();
    EXPECT_TRUE(eventually([&] { return server.program.status(Seconds(0)) == 1; }));
    EXPECT_TRUE(server.program.reports("reset by peer"));
}

TEST(ThankYouOnce, TalksToAskAndSend)
{
    LessonServer server("thank_you_once", "--host 127.0.0.1");
    Program client(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(server.port) +
                   " 你好");
    EXPECT_EQ(client.status(), 0);
    EXPECT_TRUE(server.program.prints("Received: 你好\n"));
}

TEST(ThankYouLoop, ServesOneClientAfterAnotherAndMessageAfterMessage)
{
    const LessonServer server("thank_you_loop");
    Peer first = Peer::to(server.port);
    first.say("one");
    EXPECT_TRUE(first.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    Peer second = Peer::to(server.port); // the kernel takes it; the server does not, yet
    second.say("three");
    first.say("two");
    EXPECT_TRUE(first.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    EXPECT_FALSE(second.has_news(Seconds(0.2)))
        << "The second client was served while the first was there.";
    first.close();
    EXPECT_TRUE(second.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    EXPECT_EQ(server.program.out(),
              "Waiting for a new client\nA new client has arrived\nReceived: one\nReceived: two\n"
              "The client has closed\nWaiting for a new client\nA new client has arrived\n"
              "Received: three\n");
}

TEST(ThankYouLoop, ShowsWhatIsNotGbkAndGoesOn)
{
    const LessonServer server("thank_you_loop");
    Peer client = Peer::to(server.port);
    client.say("a\xff" + nihao +
               "\x81"); // 0xff is never GBK, and 0x81 begins a character that does not come
    EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    EXPECT_TRUE(server.program.prints("Received: a\xef\xbf\xbd你好\xef\xbf\xbd\n"))
        << server.program.out();
}

TEST(ThankYouLoop, OutlivesAClientThatResets)
{
    const LessonServer server("thank_you_loop");
    Peer rude = Peer::to(server.port);
    rude.say("one");
    EXPECT_TRUE(rude.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    rude.reset();
    EXPECT_TRUE(server.program.reports("reset by peer"));
    Peer next = Peer::to(server.port);
    next.say("two");
    EXPECT_TRUE(next.hears("Thank You!", "lessons/thank_you_loop.cpp"));
}

TEST(ThankYouLoop, StopsOnCtrlCAlsoInTheMiddleOfAClient)
{
    std::string port = "0";
    for (const int number : {SIGINT, SIGTERM}) {
        Program server(own("lessons/thank_you_loop") + " --port " + port);
        ASSERT_TRUE(server.reports("Ctrl-C stops"));
        const std::string said = server.err();
        port = said.substr(said.rfind(':') + 1, said.rfind(". Ctrl") - said.rfind(':') - 1);
        Peer client = Peer::to(std::stoi(port));
        client.say("one");
        EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_loop.cpp"));
        server.signal(number);
        EXPECT_EQ(server.status(), 0);
        EXPECT_TRUE(client.sees_the_end("lessons/thank_you_loop.cpp"));
    }
}

// ---- Datagrams ----------------------------------------------------------------------------------

/// A datagram socket that waits no longer than a test does, and the address of a lesson's server.
struct UdpPeer {
    explicit UdpPeer(int port) : there(resolve("127.0.0.1", port, SOCK_DGRAM).front())
    {
        socket.settimeout(patience);
    }
    std::string ask(const std::string& name) const
    {
        sendto(socket, name, there);
        return recvfrom(socket).data;
    }
    Socket socket{AF_INET, SOCK_DGRAM};
    Address there;
};

TEST(Udp, GreetsTheNotebooksNames)
{
    const LessonServer server("udp_server");
    Program client(own("lessons/udp_client") + " --port " + std::to_string(server.port));
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Hello, Yam!\nHello, May!\nHello, Sarah!\n");
    EXPECT_TRUE(server.program.prints("Bound to 127.0.0.1:" + std::to_string(server.port) +
                                      "\nReceived from 127.0.0.1:"));
}

TEST(Udp, AnswersAnEmptyDatagram)
{
    const LessonServer server("udp_server");
    EXPECT_EQ(UdpPeer(server.port).ask(""), "Hello, !");
    Program client(own("lessons/udp_client") + " --port " + std::to_string(server.port) + " ''");
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Hello, !\n");
}

TEST(Udp, SaysThatADatagramWasCut)
{
    const LessonServer server("udp_server");
    const UdpPeer client(server.port);
    sendto(client.socket, std::string(1024, 'x'), client.there);
    EXPECT_TRUE(recvfrom(client.socket).is_cut)
        << "The answer to 1024 bytes has 1032, of which 1024 are kept.";
    EXPECT_EQ(server.program.err(), "Ctrl-C stops the server.\n");
    sendto(client.socket, std::string(1025, 'x'), client.there);
    EXPECT_TRUE(server.program.reports("longer than 1024 bytes"));
    Program program(own("lessons/udp_client") + " --port " + std::to_string(server.port) + " " +
                    std::string(1020, 'x'));
    EXPECT_TRUE(ends(program, 0, {"longer than 1024 bytes"}));
}

TEST(Udp, SaysThatAnAnswerWasLost)
{
    Socket silent(AF_INET, SOCK_DGRAM); // receives, and never answers
    silent.bind(resolve("127.0.0.1", 0, SOCK_DGRAM).front());
    const std::string there = silent.getsockname().str();
    Program client(own("lessons/udp_client") + " --timeout 0.2 --port " +
                   there.substr(there.rfind(':') + 1));
    EXPECT_TRUE(ends(client, 1, {"No answer from " + there, "lost"}));
    EXPECT_EQ(recvfrom(silent).data, "Yam");
}

TEST(Udp, PassesOverWhatOthersSend)
{
    Socket server(AF_INET, SOCK_DGRAM);
    server.bind(resolve("127.0.0.1", 0, SOCK_DGRAM).front());
    const std::string there = server.getsockname().str();
    Program client(own("lessons/udp_client") + " Yam --port " + there.substr(there.rfind(':') + 1));
    const Datagram question = recvfrom(server);
    sendto(Socket(AF_INET, SOCK_DGRAM), "Hello, Mallory!", question.from);
    sendto(server, "Hello,\n" + question.data + "!", question.from);
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Hello,\\nYam!\n");
}

TEST(Udp, StopsOnCtrlC)
{
    LessonServer server("udp_server");
    server.program.signal(SIGINT);
    EXPECT_EQ(server.program.status(), 0);
}

} // namespace
