// A standard output that nobody reads, is closed, or paused: greetings do not wait for it.
#include "faults.hpp"

#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

using namespace lab;

namespace
{

/// The server with its standard output going to `path`; the port comes from standard error.
struct MuteServer {
    explicit MuteServer(const std::string& redirection)
        : program(own("server") + " --port 0 --delay 0 " + redirection)
    {
        EXPECT_TRUE(program.reports(". Ctrl-C"));
        const std::string said = program.err();
        port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    }
    void greets(int how_many) const
    {
        for (int i = 0; i < how_many; ++i) {
            Peer client = Peer::to(port);
            ASSERT_TRUE(client.hears("Welcome!", hint)) << "client number " << i;
            client.say("Yam");
            ASSERT_TRUE(client.hears("Hello, Yam!", hint)) << "client number " << i;
        }
    }
    Program program;
    int port = 0;
};

TEST(LabFaults, GreetsAlthoughStandardOutputIsClosed)
{
    MuteServer server(">&-");
    server.greets(3);
    server.program.signal(SIGINT);
    EXPECT_EQ(server.program.status(), 0);
}

TEST(LabFaults, GreetsAlthoughNobodyReadsThePipeBehindStandardOutput)
{
    if (access("/dev/fd/0", F_OK) != 0) {
        GTEST_SKIP()
            << "without /dev/fd the server cannot open the pipe anew, and waits for its reader";
    }
    std::string path = "/tmp/lab-pipe-XXXXXX";
    ::close(mkstemp(path.data()));
    std::remove(path.c_str());
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int filler = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string block(4096, 'x');
    {
        MuteServer server(">" + path);
        while (write(filler, block.data(), block.size()) > 0) { // until the pipe is full
        }
        server.greets(20);
        EXPECT_TRUE(server.program.reports("dropped until it does"));
        std::string drained(1 << 20, '\0');
        EXPECT_GT(read(reader, drained.data(), drained.size()), 0); // somebody reads again
        server.greets(1);
        std::string later;
        EXPECT_TRUE(eventually([&] {
            std::string more(65536, '\0');
            const ssize_t n = read(reader, more.data(), more.size());
            later.append(more, 0, n > 0 ? static_cast<std::size_t>(n) : 0);
            return later.find(" closed.\n") != std::string::npos;
        })) << later;
        while (write(filler, block.data(), block.size()) > 0) {
        }
        server.program.signal(SIGINT);
        EXPECT_EQ(server.program.status(), 0)
            << "A full pipe must not keep the server from stopping.";
    }
    ::close(reader);
    ::close(filler);
    std::remove(path.c_str());
}

TEST(LabFaults, GreetsAlthoughTheTerminalIsPaused)
{
    int controller = -1;
    int terminal = -1;
    char name[256];
    if (openpty(&controller, &terminal, name, nullptr, nullptr) == -1 ||
        access("/dev/fd/0", F_OK) != 0) {
        GTEST_SKIP() << "no terminal can be made here (are /dev/pts and /dev/fd there?)";
    }
    {
        MuteServer server(std::string(">") + name);
        ASSERT_EQ(tcflow(terminal, TCOOFF), 0); // Ctrl-S
        server.greets(5);
        EXPECT_TRUE(server.program.reports("dropped until it does"));
        ASSERT_EQ(tcflow(terminal, TCOON), 0); // Ctrl-Q
        server.greets(3000); // nobody reads, so that what the terminal holds is full in the end
        server.program.signal(SIGINT);
        EXPECT_EQ(server.program.status(), 0);
    }
    ::close(controller);
    ::close(terminal);
}

} // namespace
