// The documents' other programs, seen from outside: the tutorial's client and servers, and the
// greeting over datagrams.
#include "common.hpp"
#include "lab.hpp"
#include "lessons/datagram.hpp"

#include <atomic>
#include <csignal>
#include <thread>

using namespace lab;

namespace
{

const std::string nihao = "\xc4\xe3\xba\xc3"; // 你好 in GBK

/// A lesson's server that listens, and its port.
struct LessonServer {
    explicit LessonServer(const std::string& name, const std::string& options = "--port 0",
                          const std::string& before = "",
                          Program::Output output = Program::Output::file)
        : program(before + own("lessons/" + name) + " " + options, "", output)
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

TEST(Lessons, RefuseAWrongCommandLineInASentence)
{
    for (const std::string name :
         {"thank_you_once", "thank_you_loop", "udp_server", "udp_client", "http_get"}) {
        EXPECT_TRUE(refuses("lessons/" + name + " --prot 1", {"--prot"}));
        EXPECT_TRUE(refuses("lessons/" + name + " --port 70000", {"--port", "70000"}));
        EXPECT_TRUE(refuses("lessons/" + name + " --host ''", {"--host"}));
        Program help(own("lessons/" + name) + " --help");
        EXPECT_TRUE(ends(help));
        EXPECT_TRUE(help.out().starts_with("Usage: lessons/" + name + " ")) << help.out();
    }
    for (const std::string name : {"thank_you_once", "thank_you_loop", "udp_server", "http_get"}) {
        EXPECT_TRUE(refuses("lessons/" + name + " stray", {"stray"}));
    }
    EXPECT_TRUE(refuses("lessons/udp_client --timeout nan", {"--timeout", "nan"}));
    for (const std::string port : {"http", "0", "65536"}) {
        EXPECT_TRUE(refuses("lessons/ask_and_send 127.0.0.1 " + port, {"Port", port}));
    }
    EXPECT_TRUE(refuses("lessons/ask_and_send a 1 b c", {"'c'"}));
    for (const std::string path : {"a.html", "'/a b'", R"sh("$(printf '/\r\nX: y')")sh", "''"}) {
        EXPECT_TRUE(refuses("lessons/http_get --path " + path, {"--path"}));
    }
}

TEST(Lessons, SayThatThePortIsInUse)
{
    const Listener taken;
    for (const std::string name : {"thank_you_once", "thank_you_loop"}) {
        Program program(own("lessons/" + name) + " --host 127.0.0.1 --port " +
                        std::to_string(taken.port()));
        EXPECT_TRUE(
            fails(program, 1, {"bind 127.0.0.1:" + std::to_string(taken.port()), "in use"}));
    }
    const LessonServer first("udp_server");
    Program second(own("lessons/udp_server") + " --port " + std::to_string(first.port));
    EXPECT_TRUE(fails(second, 1, {"bind 127.0.0.1:", "in use"}));
}

TEST_F(LessonAlone, AreTheTutorialsWithoutOptions)
{
    for (const std::string name : {"thank_you_once", "thank_you_loop"}) {
        LessonServer server(name, "");
        EXPECT_TRUE(reports(server.program, "Listening on 0.0.0.0:7788."));
        Peer client = Peer::to(7788, "127.0.0.2");
        client.say(std::string(1024, 'x'));
        EXPECT_TRUE(client.hears("Thank You!", name));
        EXPECT_TRUE(prints(server.program, "Received: " + std::string(1024, 'x') + "\n"));
        server.program.signal(SIGINT);
        server.program.status();
        client.close(); // the server has closed first: its end goes through TIME_WAIT
    }
    const LessonServer server("udp_server", "");
    Program client(own("lessons/udp_client"));
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Hello, Yam!\nHello, May!\nHello, Sarah!\n");
    EXPECT_TRUE(prints(server.program, "Bound to 127.0.0.1:9999\nReceived from 127.0.0.1:"));
}

TEST_F(LessonFaults, TryEveryAddressOfAName)
{
    const Listener listener;
    const std::string port = std::to_string(listener.port());
    const std::string hosts = with_faults("HOSTS=two.test=127.0.0.3,127.0.0.1");
    Program asking(hosts + own("lessons/ask_and_send") + " two.test " + port + " Yam");
    EXPECT_TRUE(listener.accept().hears("Yam", "lessons/ask_and_send.cpp"));
    EXPECT_TRUE(ends(asking));
    Program fetching(hosts + own("lessons/http_get") + " --host two.test --port " + port);
    const std::string line = "GET / HTTP/1.1\r\nHost: two.test:" + port;
    EXPECT_EQ(listener.accept().receive(line.size()), line);
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
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Server address: Port: Data to send: ");
}

TEST(AskAndSend, RefusesWhatGbkHasNoCodeForAndNamesIt)
{
    NEEDS(utf_8);
    const Listener listener;
    Program client(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(listener.port()) +
                   " 'Yam 😀!'");
    EXPECT_TRUE(fails(client, 1, {"'😀'", "nothing was sent"}));
    EXPECT_FALSE(listener.has_client()) << "It connected, although nothing can be sent.";
    Program typed(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(listener.port()),
                  "Yam \xff!\n");
    EXPECT_TRUE(fails(typed, 1, {"'\\xff'"}));
    Peer server = listener.accept();
    EXPECT_EQ(server.receive(100), "");
}

TEST(AskAndSend, SaysWhatWentWrong)
{
    const int nobody = Listener().port();
    Program refused(own("lessons/ask_and_send") + " 127.0.0.1 " + std::to_string(nobody) + " x");
    EXPECT_TRUE(fails(refused, 1, {"connect 127.0.0.1", "refused"}));
    Program no_answer(own("lessons/ask_and_send"), "127.0.0.1\n");
    EXPECT_TRUE(fails(no_answer, 1, {"ended", "Port"}));
}

// ---- thank_you_once and thank_you_loop ----------------------------------------------------------

TEST(ThankYouOnce, PrintsWhatOneClientSendsThanksItEndsAndLeavesItsPortFree)
{
    NEEDS(utf_8);
    std::string port = "0";
    for (int round = 0; round < 2; ++round) {
        LessonServer server("thank_you_once", "--port " + port);
        port = std::to_string(server.port);
        Peer client = Peer::to(server.port);
        client.say(nihao + "\x1b[2J");
        EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_once.cpp"));
        EXPECT_TRUE(client.sees_the_end("lessons/thank_you_once.cpp"));
        client.close(); // the server has closed first: its end goes through TIME_WAIT
        EXPECT_TRUE(ends(server.program));
        EXPECT_EQ(server.program.out(), "Received: 你好\\x1b[2J\n");
    }
}

TEST(ThankYouOnce, SaysThatItsOnlyClientHasReset)
{
    LessonServer server("thank_you_once");
    Peer::to(server.port).reset();
    EXPECT_TRUE(ends(server.program, 1));
    EXPECT_TRUE(reports(server.program, "reset by peer"));
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
    NEEDS(utf_8);
    const LessonServer server("thank_you_loop");
    Peer client = Peer::to(server.port);
    client.say("a\xff" + nihao +
               "\x81"); // 0xff is never GBK, and 0x81 begins a character that does not come
    EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    EXPECT_TRUE(prints(server.program, "Received: a\xef\xbf\xbd你好\xef\xbf\xbd\n"))
        << server.program.out();
}

TEST(ThankYouLoop, OutlivesAClientThatResets)
{
    const LessonServer server("thank_you_loop");
    Peer rude = Peer::to(server.port);
    rude.say("one");
    EXPECT_TRUE(rude.hears("Thank You!", "lessons/thank_you_loop.cpp"));
    rude.reset();
    EXPECT_TRUE(reports(server.program, "reset by peer"));
    Peer next = Peer::to(server.port);
    next.say("two");
    EXPECT_TRUE(next.hears("Thank You!", "lessons/thank_you_loop.cpp"));
}

TEST(ThankYouLoop, ServesAlthoughNobodyReadsWhatItPrints)
{
    NEEDS(dev_fd);
    const LessonServer closed("thank_you_loop", "--port 0 | true");
    const LessonServer full("thank_you_loop", "--port 0", "", Program::Output::full);
    const LessonServer once("thank_you_once", "--port 0", "", Program::Output::full);
    for (const LessonServer* server : {&closed, &full, &once}) {
        Peer client = Peer::to(server->port);
        client.say("one");
        EXPECT_TRUE(client.hears("Thank You!", "lessons"));
    }
}

TEST_F(LessonFaults, ThankWithoutGrowing)
{
    const LessonServer server("thank_you_loop");
    Peer client = Peer::to(server.port);
    long resident = 0;
    for (int i = 0; i < 4000; ++i) {
        client.say(nihao);
        ASSERT_TRUE(client.hears("Thank You!", "lessons/gbk.hpp"));
        resident = i == 500 ? memory_of(server.program, "VmRSS") : resident;
    }
    EXPECT_LT(memory_of(server.program, "VmRSS") - resident, 300)
        << "KiB more after 3500 messages.";
}

TEST(ThankYouLoop, StopsOnCtrlCAlsoInTheMiddleOfAClient)
{
    std::string port = "0";
    for (const int number : {SIGINT, SIGTERM}) {
        LessonServer server("thank_you_loop", "--port " + port);
        port = std::to_string(server.port);
        Peer client = Peer::to(server.port);
        client.say("one");
        EXPECT_TRUE(client.hears("Thank You!", "lessons/thank_you_loop.cpp"));
        server.program.signal(number);
        EXPECT_TRUE(ends(server.program));
        EXPECT_TRUE(client.sees_the_end("lessons/thank_you_loop.cpp"));
        client.close(); // the server has closed first: its end goes through TIME_WAIT
    }
}

// ---- Datagrams ----------------------------------------------------------------------------------

/// A datagram socket of the test's own, which clients take for the server.
struct UdpListener {
    UdpListener() { socket.bind(resolve("127.0.0.1", 0, SOCK_DGRAM).front()); }
    std::string there() const { return socket.name(); }
    std::string client(const std::string& arguments) const
    {
        return own("lessons/udp_client") + " --port " + there().substr(there().rfind(':') + 1) +
               " " + arguments;
    }
    Socket socket{AF_INET, SOCK_DGRAM};
};

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

TEST(Udp, AnswersAnEmptyDatagramAndStopsOnCtrlC)
{
    LessonServer server("udp_server");
    EXPECT_EQ(UdpPeer(server.port).ask(""), "Hello, !");
    Program client(own("lessons/udp_client") + " --port " + std::to_string(server.port) + " ''");
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Hello, !\n");
    server.program.signal(SIGINT);
    EXPECT_TRUE(ends(server.program));
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
    EXPECT_TRUE(reports(server.program, "longer than 1024 bytes"));
    Program program(own("lessons/udp_client") + " --port " + std::to_string(server.port) + " " +
                    std::string(1020, 'x'));
    EXPECT_TRUE(fails(program, 0, {"longer than 1024 bytes"}));
}

TEST(Udp, SaysThatAnAnswerWasLostAlsoWhereOthersSend)
{
    const UdpListener server;
    Program client(server.client("--timeout 0.5"));
    const Datagram question = recvfrom(server.socket);
    EXPECT_EQ(question.data, "Yam");
    std::atomic<bool> over = false;
    std::thread strangers([&] {
        while (!over) {
            sendto(Socket(AF_INET, SOCK_DGRAM), "Hello, Mallory!", question.from);
            std::this_thread::sleep_for(Seconds(0.1));
        }
    });
    EXPECT_TRUE(fails(client, 1, {"No answer from " + server.there(), "lost"}));
    over = true;
    strangers.join();
}

TEST(Udp, PassesOverWhatOthersSend)
{
    const UdpListener server;
    Program client(server.client("Yam --timeout 0")); // 0: forever
    const Datagram question = recvfrom(server.socket);
    std::this_thread::sleep_for(Seconds(0.1)); // and not as long as the clock of Linux is coarse
    sendto(Socket(AF_INET, SOCK_DGRAM), "Hello, Mallory!", question.from);
    sendto(server.socket, "Hello,\n" + question.data + "!", question.from);
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Hello,\\nYam!\n");
}

TEST_F(LessonFaults, GoOnAfterAnAnswerCouldNotBeSentAndAfterSignals)
{
    LessonServer server("udp_server", "--port 0", with_faults(failing("sendto", EPERM)));
    const UdpPeer client(server.port);
    sendto(client.socket, "Yam", client.there); // no answer to this one
    EXPECT_TRUE(reports(server.program, "sendto 127.0.0.1:"));
    EXPECT_EQ(client.ask("May"), "Hello, May!");
    EXPECT_EQ(server.program.err().find("warning"), std::string::npos) << server.program.err();

    const std::string interrupted = with_faults("INTERRUPT=3");
    const LessonServer often("udp_server", "--port 0", interrupted);
    Program names(interrupted + own("lessons/udp_client") + " --port " +
                  std::to_string(often.port));
    EXPECT_TRUE(ends(names));
    EXPECT_EQ(names.out(), "Hello, Yam!\nHello, May!\nHello, Sarah!\n");
    EXPECT_EQ(often.program.err(), "Ctrl-C stops the server.\n");

    Program broken(with_faults(failing("recvfrom", EIO)) + UdpListener().client("Yam"));
    EXPECT_TRUE(fails(broken, 1, {"recvfrom: Input/output error"}));
}

TEST_F(LessonFaults, WaitTenSecondsUnlessToldOtherwise)
{
    const UdpListener silent;
    const Listener listener;
    for (const std::string& command :
         {silent.client(""), own("lessons/http_get") + " --host 127.0.0.1 --port " +
                                 std::to_string(listener.port())}) {
        const auto start = Clock::now();
        Program client(with_faults("HURRY=20") + command);
        EXPECT_TRUE(ends(client, 1));
        EXPECT_GE(since(start), 0.49) << "Ten seconds are half a second here.";
    }
}

} // namespace
