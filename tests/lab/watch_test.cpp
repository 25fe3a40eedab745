// What is seen of a program's calls, and where they leave the story: by example.
#include "lab.hpp"

using namespace lab;

namespace
{

constexpr long listening = 1;
constexpr long socket_of_client = 2;
constexpr int port_of_client = 50'000;

/// Calls that follow one another, each 10 ms long, by the main thread (1) or the client's (2).
class Calls
{
  public:
    Calls()
    {
        add({.kind = "socket", .socket = listening, .size = AF_INET, .flags = SOCK_STREAM});
        add({.kind = "bind", .socket = listening, .port = 9999, .address = "127.0.0.1:9999"});
        add({.kind = "listen", .socket = listening});
        add({.kind = "accept",
             .socket = listening,
             .port = port_of_client,
             .client = socket_of_client});
    }
    Calls& sends(const std::string& text, long result = 0)
    {
        const auto size = static_cast<long>(text.size());
        return add({.kind = "send",
                    .thread = 2,
                    .socket = socket_of_client,
                    .result = result < 0 ? result : size,
                    .size = size,
                    .data = text});
    }
    Calls& receives(const std::string& text, long result = 0, bool waits = true)
    {
        const long size = result < 0 ? result : static_cast<long>(text.size());
        return add({.kind = "recv",
                    .thread = 2,
                    .socket = socket_of_client,
                    .result = size,
                    .size = 1024,
                    .data = text,
                    .waits = waits});
    }
    Calls& waits()
    {
        receives("");
        all_.back().has_returned = false;
        return *this;
    }
    Calls& sleeps(double seconds)
    {
        now_ += std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
        return add({.kind = "sleep", .thread = 2, .pause = Seconds(seconds)});
    }
    Calls& closes(pid_t process = 1)
    {
        return add({.kind = "close",
                    .process = process,
                    .thread = process == 1 ? 2 : 1,
                    .socket = socket_of_client});
    }
    Calls& add(Call call)
    {
        call.name = call.kind;
        call.process = call.process == 0 ? 1 : call.process;
        call.thread = call.thread == 0 ? 1 : call.thread;
        call.has_returned = true;
        call.begin = now_;
        call.end = now_ += std::chrono::milliseconds(10);
        all_.push_back(call);
        return *this;
    }
    std::vector<Call> all() const { return all_; }

  private:
    Clock::time_point now_;
    std::vector<Call> all_;
};

/// Where these calls leave the story; "" where they do not.
std::string leaves_at(const Calls& calls, double pause = 0)
{
    const auto found =
        departure_of_server(calls.all(), {9999, Seconds(pause), false, port_of_client});
    return !found ? "" : found->call ? written(*found->call) : found->then;
}

TEST(Watch, KnowsTheStory)
{
    EXPECT_EQ(leaves_at(Calls()
                            .sends("Welcome!")
                            .receives("Yam")
                            .sends("Hello, Yam!")
                            .receives("exit")
                            .closes()),
              "");
    EXPECT_EQ(leaves_at(Calls()
                            .sends("Welcome!")
                            .receives("Yam")
                            .sleeps(0.2)
                            .sends("Hello, Yam!")
                            .receives("")
                            .sleeps(0.2)
                            .closes(),
                        0.2),
              "");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").waits()), "");
}

TEST(Watch, NamesTheFirstCallThatIsNotTheStorys)
{
    EXPECT_EQ(leaves_at(Calls().waits()), "recv(1024)");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome")), "send(\"Welcome\")")
        << "the rest of it never came";
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").sends("Hello, !")), "send(\"Hello, !\")");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("Yam").receives("May")),
              "recv(1024) = \"May\"");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("Yam").sends("Hello, Sarah!")),
              "send(\"Hello, Sarah!\")");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("Yam").sends("Hello, Yam!", -EBADF)),
              "send(\"Hello, Yam!\") = -1 EBADF");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("Yam").closes()), "close()");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("exit").waits()), "recv(1024)");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("exit")),
              "nothing more for this client");
    EXPECT_EQ(leaves_at(Calls().sends("Welcome!").receives("Yam").sends("Hello, Yam!"), 0.2),
              "send(\"Hello, Yam!\")")
        << "without the pause";
}

TEST(Watch, TakesOtherWaysForTheSameStory)
{
    EXPECT_EQ(
        leaves_at(Calls().sends("Welcome!").receives("", -EAGAIN, false).receives("exit").closes()),
        "")
        << "a socket that does not wait";
    EXPECT_EQ(leaves_at(Calls()
                            .closes(1)
                            .add({.kind = "send",
                                  .process = 3,
                                  .thread = 3,
                                  .socket = socket_of_client,
                                  .result = 8,
                                  .size = 8,
                                  .data = "Welcome!"})
                            .add({.kind = "recv",
                                  .process = 3,
                                  .thread = 3,
                                  .socket = socket_of_client,
                                  .size = 1024})
                            .closes(3)),
              "")
        << "a process for each client";
    EXPECT_EQ(leaves_at(Calls().sends("Wel").sends("come!").waits()), "send(\"come!\")")
        << "in pieces";
}

/// A server whose calls are looked at, and a client that came, said Yam, and left.
struct Watched {
    Watched()
    {
        Program::are_watched = true;
        server.emplace();
        Program::are_watched = false;
        Peer client = server->client();
        port = port_of(client);
        client.receive(8);
        client.say("Yam");
        client.receive(11);
        client.say("exit");
        client.receive(1);
    }
    std::optional<Server> server;
    int port = 0;
};

TEST(Watch, SeesWhatAServerCalls)
{
    NEEDS(Trace::is_possible());
    Watched watched;
    std::string seen;
    long socket = 0;
    for (const Call& call : watched.server->calls()) {
        socket = call.kind == "accept" && call.port == watched.port ? call.client : socket;
        const bool is_of_interest = call.kind == "send" || call.kind == "recv" ||
                                    call.kind == "close" || call.kind == "shutdown";
        seen += is_of_interest && socket != 0 && call.socket == socket ? written(call) + "; " : "";
    }
    EXPECT_TRUE(contains(
        seen,
        "send(\"Welcome!\"); recv(1024) = \"Yam\"; send(\"Hello, Yam!\"); recv(1024) = \"exit\"; "))
        << seen;
    const auto departure =
        departure_of_server(watched.server->calls(), {0, Seconds(0), false, watched.port});
    EXPECT_FALSE(departure) << departure->then << ": "
                            << (departure->call ? written(*departure->call) : "");
}

TEST(Watch, SeesWhereACallIsMade)
{
    NEEDS(Trace::is_possible() && access("/usr/include/elfutils/libdwfl.h", F_OK) == 0);
    if (is_foreign("SERVER")) {
        GTEST_SKIP() << "it looks at the lab's own source";
    }
    Watched watched;
    std::string places;
    for (const Call& call : watched.server->calls()) {
        places +=
            call.kind == "send" || call.kind == "recv" ? watched.server->place_of(call) + " " : "";
    }
    EXPECT_TRUE(contains(places, "server.cpp:")) << places;
}

TEST(Watch, KnowsHowAProgramEnds)
{
    NEEDS(Trace::is_possible());
    Program::are_watched = true;
    Program ends("sh -c 'exit 3'");
    Program crashes("sh -c 'kill -SEGV $$'");
    Program::are_watched = false;
    EXPECT_EQ(ends.status(), 3);
    EXPECT_EQ(crashes.status(), 128 + SIGSEGV);
    EXPECT_EQ(crashes.killed_by(), SIGSEGV);
    const auto calls = crashes.calls();
    EXPECT_TRUE(std::any_of(calls.begin(), calls.end(), [](const Call& call) {
        return call.kind == "killed" && call.name == "SIGSEGV";
    }));
}

TEST(Watch, MixesLinesThatArePrintedInPieces)
{
    NEEDS(Trace::is_possible());
    Program::are_watched = true;
    Program two("python3 -u -c 'import os, threading\ndef line():\n    os.write(1, b\"one \"); "
                "os.write(1, b\"line\\n\")\n"
                "threads = [threading.Thread(target=line) for i in range(9)]\nfor t in threads: "
                "t.start()\nfor t in threads: t.join()'");
    Program::are_watched = false;
    two.let_lines_mix();
    EXPECT_EQ(two.status(), 0);
    EXPECT_TRUE(contains(two.out(), "one one ")) << two.out();
}

} // namespace
