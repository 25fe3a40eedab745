// A standard output that nobody reads, is closed, or paused: greetings do not wait for it.
#include "lab.hpp"

#include <csignal>
#include <cstdio>
#include <fstream>

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
    explicit MuteServer(const std::string& redirection, const std::string& before = "")
        : program(before + own("server") + " --port 0 --delay 0 " + redirection)
    {
        EXPECT_TRUE(reports(program, ". Ctrl-C"));
        const std::string said = program.err();
        port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    }
    void greets(int how_many) const
    {
        for (int i = 0; i < how_many; ++i) {
            Peer client = Peer::to(port);
            ASSERT_TRUE(client.hears("Welcome!", hint)) << "client number " << i;
            ASSERT_TRUE(lab::greets(client, "Y")) << "client number " << i;
        }
    }
    Program program;
    int port = 0;
};

TEST(LabFaults, GreetsAlthoughStandardOutputIsClosedOrFull)
{
    for (const std::string redirection : {">&-", ">/dev/full"}) {
        MuteServer server(redirection);
        ASSERT_NO_FATAL_FAILURE(server.greets(3));
        EXPECT_TRUE(reports(server.program, "warning: standard output takes no more lines."));
        EXPECT_EQ(count(server.program.err(), "warning"), 1) << "Once is enough.";
        server.program.signal(SIGINT);
        EXPECT_TRUE(ends(server.program));
    }
}

TEST(LabFaults, GreetsAlthoughThePipeBehindStandardOutputIsClosed)
{
    const Program server("sh -c '" + own("server") +
                         " --port 0 --delay 0 & echo $! >&2; wait' | true");
    ASSERT_TRUE(reports(server, "Ctrl-C stops"));
    const std::string said = server.err();
    const int port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    for (int i = 0; i < 3; ++i) {
        Peer client = Peer::to(port);
        EXPECT_TRUE(client.hears("Welcome!", hint));
        EXPECT_TRUE(greets(client));
    }
}

/// A pipe with a name, and both its ends.
struct Pipe {
    Pipe()
    {
        EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
        reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        filler = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
    ~Pipe()
    {
        ::close(reader);
        ::close(filler);
    }
    Pipe(const Pipe&) = delete;
    void fill_up() const
    {
        const std::string block(4096, 'x');
        while (write(filler, block.data(), block.size()) > 0) {
        }
    }
    std::string read_now(std::size_t most = 1 << 20) const
    {
        std::string text(most, '\0');
        const ssize_t n = read(reader, text.data(), text.size());
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    const Folder folder;
    const std::string path = folder.path + "/pipe";
    int reader = -1;
    int filler = -1;
};

TEST(LabFaults, GreetsAlthoughNobodyReadsThePipeBehindStandardOutput)
{
    NEEDS(dev_fd);
    const Pipe pipe;
    MuteServer server(">" + pipe.path);
    pipe.fill_up();
    server.greets(20);
    EXPECT_TRUE(reports(server.program, "dropped until it does"));
    pipe.read_now(); // somebody reads again
    server.greets(1);
    std::string later;
    EXPECT_TRUE(eventually([&] {
        later += pipe.read_now();
        return later.find(" closed.\n") != std::string::npos;
    })) << later;
    pipe.fill_up();
    server.greets(1);
    EXPECT_TRUE(eventually([&] { return count(server.program.err(), "dropped") == 2; }))
        << "It is full again, and the server does not say so.";
    server.program.signal(SIGINT);
    EXPECT_TRUE(ends(server.program)) << "A full pipe must not keep the server from stopping.";
}

TEST(LabFaults, LeavesTheShellsOpeningOfStandardOutputAsItIs)
{
    const Pipe pipe;
    const Program shell("sh -c 'exec 3>" + pipe.path + "; " + own("server") +
                        " --port 0 >&3 & wait'");
    ASSERT_TRUE(reports(shell, "Ctrl-C stops"));
    std::ifstream info("/proc/" + std::to_string(shell.pid()) + "/fdinfo/3");
    std::string line;
    unsigned flags = 0;
    while (std::getline(info, line)) {
        std::sscanf(line.c_str(), "flags: %o", &flags);
    }
    EXPECT_EQ(flags & O_NONBLOCK, 0U) << "Whoever shares standard output no longer waits.";
}

TEST_F(ServerAlone, StopsAlthoughNobodyReadsThePipeBehindStandardError)
{
    NEEDS(dev_fd);
    const Pipe pipe;
    Program server(own("server") + " 2>" + pipe.path);
    EXPECT_TRUE(prints(server, "Waiting for connection...\n"));
    pipe.fill_up();
    Peer::to(9999).reset(); // of which it reports an error
    EXPECT_TRUE(prints(server, " closed.\n"));
    server.signal(SIGINT);
    EXPECT_TRUE(ends(server));
}

TEST_F(ServerFaults, EndsALineThatWasCutBeforeItPrintsTheNext)
{
    NEEDS(dev_fd);
    const Pipe pipe;
    MuteServer server(">" + pipe.path, with_faults("ONE_BYTE=1")); // so that part of a line fits
    pipe.fill_up();
    pipe.read_now(4096);
    while (server.program.err().find("dropped") == std::string::npos) {
        ASSERT_NO_FATAL_FAILURE(server.greets(1));
    }
    std::string printed = pipe.read_now();
    server.greets(1);
    EXPECT_TRUE(eventually([&] {
        printed += pipe.read_now();
        return printed.ends_with(" closed.\n");
    })) << printed;
    for (const std::string word : {"Accept", "Connection"}) {
        for (std::size_t at = 0; (at = printed.find(word, at + 1)) != std::string::npos;) {
            EXPECT_TRUE(printed[at - 1] == '\n' || printed[at - 1] == 'x')
                << "A line begins behind a part of another: "
                << printed.substr(at > 60 ? at - 60 : 0, 80);
        }
    }
}

TEST(LabFaults, GreetsAlthoughTheTerminalIsPaused)
{
    int controller = -1;
    int terminal = -1;
    char name[256];
    NEEDS(dev_fd && openpty(&controller, &terminal, name, nullptr, nullptr) != -1);
    {
        MuteServer server(std::string(">") + name);
        ASSERT_EQ(tcflow(terminal, TCOOFF), 0); // Ctrl-S
        ASSERT_NO_FATAL_FAILURE(server.greets(5));
        EXPECT_TRUE(reports(server.program, "dropped until it does"));
        ASSERT_EQ(tcflow(terminal, TCOON), 0); // Ctrl-Q
        // Nobody reads, so that what the terminal holds is full in the end.
        ASSERT_NO_FATAL_FAILURE(server.greets(3000));
        server.program.signal(SIGINT);
        EXPECT_TRUE(ends(server.program));
    }
    ::close(controller);
    ::close(terminal);
}

} // namespace
