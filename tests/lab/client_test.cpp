// What the lab's own client does beyond the notebook: options, names, and servers that misbehave.
#include "lab.hpp"

#include <array>
#include <csignal>
#include <fstream>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lab;

namespace
{

const std::string in_client = "client.cpp";

/// The command for the client, to this port.
std::string client_to(int port, const std::string& arguments = "")
{
    return own("client") + " --port " + std::to_string(port) + " " + arguments;
}

/// The client with options and names of the test's choice, connected to the test.
struct Conversation {
    explicit Conversation(const std::string& arguments = "", const std::string& before = "")
        : client(before + client_to(listener.port(), arguments))
    {
    }
    Listener listener;
    Program client;
    Peer server = listener.accept();
};

// ---- The command line ---------------------------------------------------------------------------

TEST(LabClient, RefusesAWrongCommandLineInASentence)
{
    EXPECT_TRUE(refuses("client --prot 1", {"--prot"}));
    EXPECT_TRUE(refuses("client --port", {"--port"}));
    for (const std::string value : {"abc", "65536", "-1", "0", "1e3", "''"}) {
        EXPECT_TRUE(refuses("client --port " + value, {"--port", value}));
    }
    EXPECT_TRUE(refuses("client --timeout -1", {"--timeout", "-1"}));
    EXPECT_TRUE(refuses("client --timeout nan", {"--timeout", "nan"}));
    EXPECT_TRUE(refuses("client --host ''", {"--host"}));
    EXPECT_TRUE(refuses("client --host no-such-host.invalid", {"no-such-host.invalid: "}, 1));
}

TEST(LabClient, RefusesNamesThatCannotBeGreetedBeforeItConnects)
{
    const Listener listener;
    const std::string there = "client --port " + std::to_string(listener.port());
    EXPECT_TRUE(refuses(there + " Yam ''", {"empty", "wait forever"}));
    EXPECT_TRUE(refuses(there + " " + std::string(1025, 'x'), {"1025", "1024", "pieces"}));
    EXPECT_TRUE(refuses(there + " exit", {"exit", "good-bye"}));
    EXPECT_TRUE(refuses(there + " Yam -", {"standard input"}));
    EXPECT_FALSE(listener.has_client()) << "It connected, although nothing can be sent.";
}

TEST(LabClient, HelpsOnStandardOutput)
{
    Program client(own("client") + " --help");
    EXPECT_TRUE(ends(client));
    for (const std::string otherwise : {"(Yam May Sarah)", "(127.0.0.1)", "(9999)", "(10)"}) {
        EXPECT_NE(client.out().find(otherwise), std::string::npos)
            << "The help does not say that this is a default: " << otherwise;
    }
    EXPECT_EQ(client.err(), "");
}

// ---- Connecting ---------------------------------------------------------------------------------

TEST_F(ClientAlone, SaysThatNobodyListensWhereTheNotebooksServerWouldBe)
{
    EXPECT_TRUE(
        refuses("client", {"connect 127.0.0.1:9999", "refused", "Is the server running?"}, 1));
}

TEST(LabClient, ConnectsByIPv6AndSendsANameOf1024Bytes)
{
    NEEDS(ipv6);
    const Server six("0", "--host ::1");
    const std::string name(1024, 'x');
    Program client(client_to(six.port(), "--host ::1 " + name));
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Welcome!\nHello, " + name + "!\n");
}

TEST_F(ClientFaults, ConnectToAnAddressOfANameWhereTheKernelHasNoIPv6)
{
    NEEDS(!lacking.empty());
    const Server server;
    Program client(lacking + " ipv6 " + with_faults("HOSTS=two.test=::1,127.0.0.1") +
                   client_to(server.port(), "--host two.test Yam"));
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\n");
}

/// The name two.test, whose first address refuses, and whose second one is the test's, or refuses.
const std::string two = with_faults("HOSTS=two.test=127.0.0.3,127.0.0.1");

TEST_F(ClientFaults, TriesTheNextAddressOfANameWithTheSameTimeout)
{
    Conversation with("--host two.test --timeout 0.3 Yam", two);
    with.server.say("Welcome!");
    EXPECT_TRUE(with.server.hears("Yam", in_client));
    EXPECT_TRUE(fails(with.client, 1, {"recv 127.0.0.1:", "timed out"}))
        << "The second address has answered nothing.";
}

TEST_F(ClientFaults, SaysWhatTheFirstAddressMetIfNoneAnswers)
{
    const std::string port = std::to_string(Listener().port());
    Program client(two + own("client") + " --host two.test --port " + port);
    EXPECT_TRUE(fails(client, 1, {"connect 127.0.0.3:" + port + ": Connection refused"}));
}

TEST_F(ClientFaults, ConnectsAlthoughASignalInterruptsIt)
{
    const std::string interrupted = with_faults("INTERRUPT=1000000"); // each call once
    const Server server;
    Program client(interrupted + client_to(server.port(), "Yam"));
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\n");
    const int nobody = Listener().port();
    for (const std::string timeout : {"0", "5"}) {
        Program refused(interrupted + client_to(nobody, "--timeout " + timeout));
        EXPECT_TRUE(fails(refused, 1, {"connect 127.0.0.1:", "Connection refused"}));
    }
}

TEST_F(ClientFaults, GivesUpOnAServerThatDoesNotCompleteTheHandshake)
{
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); // bound by listen
    ASSERT_EQ(listen(server, 0), 0);
    sockaddr_in there{};
    socklen_t length = sizeof there;
    getsockname(server, reinterpret_cast<sockaddr*>(&there), &length);
    const int port = ntohs(there.sin_port);
    const Peer first = Peer::to(port); // there is no room for another one
    for (const std::string before : {"", "INTERRUPT=1000000"}) {
        const auto start = Clock::now();
        Program client(with_faults(before) + client_to(port, "--timeout 0.3"));
        EXPECT_TRUE(fails(client, 1,
                          {"connect 127.0.0.1:" + std::to_string(port) + ": Connection timed out",
                           "--timeout says how many seconds"}));
        EXPECT_GE(since(start), 0.3) << "It gave up too soon.";
    }
    ::close(server);
}

// ---- Answers ------------------------------------------------------------------------------------

TEST(LabClient, GivesUpOnASilentServerAfterTheTimeout)
{
    for (const std::string timeout : {"0.2", "0.00000001"}) { // and not never
        Conversation with("--timeout " + timeout);
        EXPECT_TRUE(
            fails(with.client, 1,
                  {"127.0.0.1:" + std::to_string(with.listener.port()), "timed out", "--timeout"}));
    }
}

TEST_F(ClientFaults, WaitsTenSecondsUnlessToldOtherwise)
{
    const auto start = Clock::now();
    Conversation with("", with_faults("HURRY=20"));
    EXPECT_TRUE(fails(with.client, 1, {"timed out"}));
    EXPECT_GE(since(start), 0.49) << "Ten seconds are half a second here.";
}

TEST(LabClient, PutsAnAnswerTogetherThatComesInPieces)
{
    NEEDS(utf_8);
    Conversation with("王小明");
    for (const std::string answer : {"Welcome!", "Hello, 王小明!"}) {
        for (std::size_t i = 0; i < answer.size();
             ++i) { // the client has taken each before the next
            with.server.say(answer.substr(i, 1));
            with.client.until([] { return false; }, Seconds(0.01));
        }
        EXPECT_EQ(with.server.receive(9), answer == "Welcome!" ? "王小明" : "exit");
    }
    with.server.close();
    EXPECT_TRUE(ends(with.client));
    EXPECT_EQ(with.client.out(), "Welcome!\nHello, 王小明!\n");
}

TEST(LabClient, SaysThatTheServerClosedOrResetBeforeAnAnswerWasThere)
{
    Conversation with("Yam");
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", in_client));
    with.server.say("Hello, Y");
    with.server.close();
    EXPECT_TRUE(fails(with.client, 1, {"closed", "\"Hello, Y\"", "\"Hello, Yam!\""}));
    EXPECT_EQ(with.client.out(), "Welcome!\n");

    Conversation at_once;
    at_once.server.close();
    EXPECT_TRUE(fails(at_once.client, 1, {"closed", "\"\"", "\"Welcome!\""}));

    Conversation with_reset;
    with_reset.server.reset();
    EXPECT_TRUE(fails(with_reset.client, 1, {"recv 127.0.0.1:", "reset by peer"}));
}

TEST(LabClient, SaysAtOnceThatTheAnswerIsAnotherOne)
{
    for (const std::string answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "Hi"}) {
        Conversation with("--timeout 1000");
        with.server.say(answer);
        EXPECT_TRUE(fails(with.client, 1,
                          {"answered \"" + answer.substr(0, 8) + "\"", "\"Welcome!\" was expected",
                           "Is it the greeting server?"}));
        EXPECT_EQ(with.client.out(), "");
    }
}

TEST(LabClient, NoticesAnAnswerThatIsTooLong)
{
    Conversation with("Yam May");
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", in_client));
    with.server.say("Hello, Yam!!");
    EXPECT_TRUE(fails(with.client, 1, {"answered \"!", "Hello, May!"}));
}

TEST(LabClient, NeverPassesControlCharactersToTheTerminal)
{
    Conversation with("$(printf 'a\\033[2Jb\\rc\\302\\233d')");
    with.server.say("Welcome!");
    const std::string name = "a\x1b[2Jb\rc\xc2\x9b"
                             "d";
    ASSERT_TRUE(with.server.hears(name, in_client));
    with.server.say("Hello, " + name + "!");
    EXPECT_TRUE(ends(with.client));
    EXPECT_EQ(with.client.out(), "Welcome!\n"
                                 R"(Hello, a\x1b[2Jb\rc\xc2\x9bd!)"
                                 "\n");

    Conversation wrong;
    wrong.server.say("\x1b]0;owned\a");
    EXPECT_TRUE(fails(wrong.client, 1, {R"(\x1b]0;own)"}));
}

// ---- Standard input and output ------------------------------------------------------------------

TEST(LabClient, ReadsNamesFromStandardInput)
{
    const Server server;
    Program client(client_to(server.port(), "-"), "Yam\nMay\nSarah");
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n");
    EXPECT_EQ(client.err(), "") << "There is nobody to be asked for a name.";

    Program until_exit(client_to(server.port(), "-"), "Yam\nexit\nMay\n");
    EXPECT_TRUE(ends(until_exit));
    EXPECT_EQ(until_exit.out(), "Welcome!\nHello, Yam!\n");

    Program empty_line(client_to(server.port(), "-"), "Yam\n\nMay\n");
    EXPECT_TRUE(fails(empty_line, 1, {"line 2", "empty"}));
    EXPECT_EQ(empty_line.out(), "Welcome!\nHello, Yam!\n")
        << "A name is refused when it is reached.";

    Program a_folder(client_to(server.port(), "- <."));
    EXPECT_TRUE(fails(a_folder, 1, {"read standard input: Is a directory"}));
}

/// A shell's command at a terminal, on which these lines are typed, each when it has asked for one.
/// Returns what the terminal showed; nothing if there is none here.
std::string at_a_terminal(const std::string& command, const std::vector<std::string>& lines)
{
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    std::string screen;
    const auto see = [&] { // what it shows; false at the end
        std::array<char, 4096> buffer{};
        pollfd readable{terminal, POLLIN, 0};
        const bool news = poll(&readable, 1, 0) > 0;
        const ssize_t n = news ? read(terminal, buffer.data(), buffer.size()) : 0;
        screen.append(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        return !news || n > 0;
    };
    long asked = 0;
    for (const std::string& line : lines) {
        ++asked;
        EXPECT_TRUE(eventually([&] { return see() && count(screen, "Name (or exit): ") == asked; }))
            << "before " << line << ": " << screen;
        EXPECT_EQ(write(terminal, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    EXPECT_TRUE(child == -1 || eventually([&] { return !see(); })) << screen;
    int status = 0;
    EXPECT_TRUE(child == -1 || (waitpid(child, &status, 0) == child && status == 0)) << screen;
    ::close(terminal);
    return screen;
}

TEST(LabClient, AsksForNamesAtATerminalAndPrintsNoQuestion)
{
    const Server server;
    const Folder folder;
    const std::string path = folder.path + "/greetings";
    const std::string command = client_to(server.port(), "- >" + path);
    const std::string screen = at_a_terminal(command, {"Yam\n", "\n", "May\n", "exit\n"});
    const std::string piped = at_a_terminal("echo Yam | " + client_to(server.port(), "-"), {});
    std::string greetings;
    std::getline(std::ifstream(path), greetings, '\0');
    if (screen.empty()) {
        GTEST_SKIP() << "no terminal can be made here (is /dev/pts mounted?)";
    }
    EXPECT_EQ(count(screen, "An empty name cannot be sent"), 1) << screen;
    EXPECT_EQ(greetings, "Welcome!\nHello, Yam!\nHello, May!\n");
    EXPECT_EQ(piped, "Welcome!\r\nHello, Yam!\r\n") << "Nobody is there to be asked.";
}

TEST(LabClient, SaysThatStandardOutputIsFull)
{
    const Server server;
    Program client(client_to(server.port(), ">/dev/full"));
    EXPECT_TRUE(fails(client, 1, {"standard output", "No space"}));
}

} // namespace
