// What the lab's own client does beyond the notebook: options, names, and servers that misbehave.
#include "../checks/harness.hpp"

#include <csignal>
#include <thread>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lab;
using testing::AssertionFailure;
using testing::AssertionSuccess;

namespace
{

const std::string hint = "client.cpp";

/// The client with options and names of the test's choice, connected to the test.
struct Conversation {
    explicit Conversation(const std::string& arguments = "", const std::string& input = "")
        : client(own("client") + " --port " + std::to_string(listener.port()) + " " + arguments,
                 input)
    {
    }
    Listener listener;
    Program client;
    Peer server = listener.accept();
};

/// The client fails with `status`, and its standard error, one line, contains `words`.
testing::AssertionResult fails(Program& client, int status, const std::vector<std::string>& words)
{
    const int got = client.status();
    const std::string said = client.err();
    if (got != status || said.empty() || said.find('\n') != said.size() - 1) {
        return AssertionFailure() << "exit status " << got << " where " << status
                                  << " was expected, and one line on standard error, which was: "
                                  << said;
    }
    for (const std::string& word : words) {
        if (said.find(word) == std::string::npos) {
            return AssertionFailure() << "\"" << word << "\" is not in: " << said;
        }
    }
    return AssertionSuccess();
}

testing::AssertionResult refuses(const std::string& arguments,
                                 const std::vector<std::string>& words)
{
    Program client(own("client") + " " + arguments);
    return fails(client, 2, words);
}

TEST(LabClient, RefusesAWrongCommandLineInASentence)
{
    EXPECT_TRUE(refuses("--prot 1", {"--prot"}));
    EXPECT_TRUE(refuses("--port", {"--port"}));
    for (const std::string value : {"abc", "70000", "-1", "0", "1e3", "''"}) {
        EXPECT_TRUE(refuses("--port " + value, {"--port", value == "''" ? "" : value}));
    }
    EXPECT_TRUE(refuses("--timeout -1", {"--timeout", "-1"}));
    EXPECT_TRUE(refuses("--timeout nan", {"--timeout", "nan"}));
    EXPECT_TRUE(refuses("--host ''", {"--host"}));
}

TEST(LabClient, RefusesNamesThatCannotBeGreetedBeforeItConnects)
{
    const Listener listener;
    const std::string there = "--port " + std::to_string(listener.port());
    EXPECT_TRUE(refuses(there + " Yam ''", {"empty", "wait forever"}));
    EXPECT_TRUE(refuses(there + " " + std::string(1025, 'x'), {"1025", "1024", "pieces"}));
    EXPECT_TRUE(refuses(there + " exit", {"exit", "good-bye"}));
    EXPECT_TRUE(refuses(there + " Yam -", {"standard input"}));
    EXPECT_THROW(listener.accept(Seconds(0.1)), std::system_error)
        << "It connected, although nothing can be sent.";
}

TEST(LabClient, HelpsOnStandardOutput)
{
    Program client(own("client") + " --help");
    EXPECT_EQ(client.status(), 0);
    EXPECT_NE(client.out().find("--timeout"), std::string::npos);
}

TEST(LabClient, SaysThatNobodyListens)
{
    const int port = Listener().port();
    Program client(own("client") + " --port " + std::to_string(port));
    EXPECT_TRUE(
        fails(client, 1,
              {"connect 127.0.0.1:" + std::to_string(port), "refused", "Is the server running?"}));
}

TEST(LabClient, SaysThatAHostIsUnknown)
{
    Program client(own("client") + " --host no-such-host.invalid");
    EXPECT_TRUE(fails(client, 1, {"no-such-host.invalid"}));
}

TEST(LabClient, TriesEveryAddressOfAName)
{
    const Server six("0", "--host ::1");
    Program client(own("client") + " --host ::1 --port " + std::to_string(six.port()) + " Yam");
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\n");
    if (Program("getent hosts localhost").status() ==
        0) { // a bare system may not know its own name
        const Server four("0", "--host localhost");
        Program named(own("client") + " --host localhost --port " + std::to_string(four.port()) +
                      " Yam");
        EXPECT_EQ(named.status(), 0);
    }
}

TEST(LabClient, GivesUpOnASilentServerAfterTheTimeout)
{
    Conversation with("--timeout 0.2");
    EXPECT_TRUE(
        fails(with.client, 1,
              {"127.0.0.1:" + std::to_string(with.listener.port()), "timed out", "--timeout"}));
}

TEST(LabClient, PutsAnAnswerTogetherThatComesAByteAtATime)
{
    Conversation with("王小明");
    for (const char byte : std::string("Welcome!")) {
        with.server.say({&byte, 1});
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_TRUE(with.server.hears("王小明", hint));
    for (const char byte : std::string("Hello, 王小明!")) {
        with.server.say({&byte, 1});
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(with.client.status(), 0);
    EXPECT_EQ(with.client.out(), "Welcome!\nHello, 王小明!\n");
}

TEST(LabClient, SaysThatTheServerClosedInTheMiddleOfAnAnswer)
{
    Conversation with("Yam");
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", hint));
    with.server.say("Hello, Y");
    with.server.close();
    EXPECT_TRUE(fails(with.client, 1, {"closed", "\"Hello, Y\"", "\"Hello, Yam!\""}));
    EXPECT_EQ(with.client.out(), "Welcome!\n");
}

TEST(LabClient, SaysThatTheServerClosedAtOnce)
{
    Conversation with;
    with.server.close();
    EXPECT_TRUE(fails(with.client, 1, {"closed", "Welcome!"}));
}

TEST(LabClient, SaysThatTheServerReset)
{
    Conversation with("Yam");
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", hint));
    with.server.reset();
    EXPECT_TRUE(fails(with.client, 1, {"reset by peer"}));
}

TEST(LabClient, SaysThatTheAnswerIsAnotherOne)
{
    Conversation with;
    with.server.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_TRUE(fails(with.client, 1, {"HTTP/1.1", "Welcome!", "Is it the greeting server?"}));
    EXPECT_EQ(with.client.out(), "");
}

TEST(LabClient, NoticesAnAnswerThatIsTooLong)
{
    Conversation with("Yam May");
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", hint));
    with.server.say("Hello, Yam!!");
    EXPECT_TRUE(fails(with.client, 1, {"answered \"!", "Hello, May!"}));
}

TEST(LabClient, NeverPassesControlCharactersToTheTerminal)
{
    Conversation with("$(printf 'a\\033[2Jb\\rc\\302\\233d')");
    with.server.say("Welcome!");
    const std::string name = "a\x1b[2Jb\rc\xc2\x9b"
                             "d";
    ASSERT_TRUE(with.server.hears(name, hint));
    with.server.say("Hello, " + name + "!");
    EXPECT_EQ(with.client.status(), 0);
    EXPECT_EQ(with.client.out(), "Welcome!\n"
                                 R"(Hello, a\x1b[2Jb\rc\xc2\x9bd!)"
                                 "\n");

    Conversation wrong;
    wrong.server.say("\x1b]0;owned\a");
    EXPECT_TRUE(fails(wrong.client, 1, {R"(\x1b]0;own)"}));
}

TEST(LabClient, ReadsNamesFromStandardInput)
{
    const Server server;
    Program client(own("client") + " --port " + std::to_string(server.port()) + " -",
                   "Yam\nMay\nSarah");
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n");
    EXPECT_EQ(client.err(), "") << "There is nobody to be asked for a name.";

    Program until_exit(own("client") + " --port " + std::to_string(server.port()) + " -",
                       "Yam\nexit\nMay\n");
    EXPECT_EQ(until_exit.status(), 0);
    EXPECT_EQ(until_exit.out(), "Welcome!\nHello, Yam!\n");

    Program empty_line(own("client") + " --port " + std::to_string(server.port()) + " -",
                       "Yam\n\nMay\n");
    EXPECT_TRUE(fails(empty_line, 1, {"line 2", "empty"}));
    EXPECT_EQ(empty_line.out(), "Welcome!\nHello, Yam!\n")
        << "A name is refused when it is reached.";
}

TEST(LabClient, AsksForNamesAtATerminal)
{
    const Server server;
    int terminal = -1;
    const std::string port = std::to_string(server.port());
    const std::string path = own("client");
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == -1) {
        GTEST_SKIP() << "no terminal can be made here (is /dev/pts mounted?)";
    }
    if (child == 0) {
        execl(path.c_str(), path.c_str(), "--port", port.c_str(), "-", nullptr);
        _exit(127);
    }
    std::string screen;
    const auto shows = [&](const std::string& text) {
        return eventually([&] {
            char buffer[4096];
            pollfd readable{terminal, POLLIN, 0};
            if (poll(&readable, 1, 0) > 0) {
                const ssize_t n = read(terminal, buffer, sizeof buffer);
                screen.append(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
            }
            return screen.find(text) != std::string::npos;
        });
    };
    const auto type = [&](const std::string& line) {
        EXPECT_EQ(write(terminal, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    };
    EXPECT_TRUE(shows("Welcome!\r\nName (or exit): ")) << screen;
    type("Yam\n");
    EXPECT_TRUE(shows("Hello, Yam!\r\nName (or exit): ")) << screen;
    type("\n");
    EXPECT_TRUE(shows("An empty name cannot be sent")) << screen;
    type("May\n");
    EXPECT_TRUE(shows("Hello, May!\r\n")) << screen;
    type("exit\n");
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    ::close(terminal);
}

TEST(LabClient, SaysThatStandardOutputIsFull)
{
    const Server server;
    Program client(own("client") + " --port " + std::to_string(server.port()) + " >/dev/full");
    EXPECT_TRUE(fails(client, 1, {"standard output", "No space"}));
}

} // namespace
