// The greeting client as the notebook has it, seen from a server that the test plays itself. These
// tests hold for every client that keeps the notebook's contract: make test CLIENT='python3
// my_client.py' points them at another one.
#include "harness.hpp"

using namespace lab;

namespace
{

const std::string names =
    "step 5 of the notebook, for data in [b'Yam', b'May', b'Sarah']: s.send(data).";
const std::string leave = "step 5 of the notebook, s.send(b'exit') and s.close().";

/// The client, connected to the test and not yet welcomed.
struct Conversation {
    Listener listener{client_port()};
    Program client{client_command(listener.port())};
    Peer server = listener.accept();
};

TEST(NotebookClient, WaitsToBeWelcomed)
{
    Conversation with;
    EXPECT_FALSE(with.server.has_news(Seconds(0.2)))
        << "It spoke before it was welcomed. look at: step 5 of the notebook, where s.recv comes "
           "before "
           "the loop.";
    with.server.say("Welcome!");
    EXPECT_TRUE(with.server.hears("Yam", names));
}

TEST(NotebookClient, SendsTheNamesThenExitThenCloses)
{
    Conversation with;
    with.server.say("Welcome!");
    for (const std::string name : {"Yam", "May", "Sarah"}) {
        ASSERT_TRUE(with.server.hears(name, names + " No newline, no zero byte."));
        with.server.say("Hello, " + name + "!");
    }
    ASSERT_TRUE(with.server.hears("exit", leave));
    EXPECT_TRUE(with.server.sees_the_end(leave));
    EXPECT_EQ(with.client.status(), 0);
}

TEST(NotebookClient, WaitsForEachAnswerBeforeTheNextName)
{
    Conversation with;
    with.server.say("Welcome!");
    ASSERT_TRUE(with.server.hears("Yam", names));
    EXPECT_FALSE(with.server.has_news(Seconds(0.2)))
        << "The next name came before the answer. look at: step 5 of the notebook, s.recv inside "
           "the loop.";
}

TEST(NotebookClient, PrintsWhatTheServerSays)
{
    Conversation with;
    with.server.say("Welcome!");
    for (const std::string name : {"Yam", "May", "Sarah"}) {
        ASSERT_TRUE(with.server.hears(name, names));
        with.server.say("Hello, " + name + "!");
    }
    ASSERT_TRUE(with.server.hears("exit", leave));
    EXPECT_EQ(with.client.status(), 0);
    EXPECT_EQ(with.client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n")
        << "look at: step 5 of the notebook, print(s.recv(1024).decode('utf-8')): each answer on a "
           "line of "
           "its own, "
           "no byte of the buffer beyond what was received.";
}

TEST(NotebookClient, ShowsEachAnswerAsItComes)
{
    Conversation with;
    with.server.say("Welcome!");
    EXPECT_TRUE(with.client.prints("Welcome!\n"))
        << "Is the line flushed before the client waits for the next one?";
}

TEST(NotebookClient, TalksToTheServer)
{
    if (client_port() != 0) {
        GTEST_SKIP() << "a client that knows only port 9999 cannot be sent to the lab's server, "
                        "which is on another";
    }
    const Server server;
    Program client(client_command(server.port()));
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n");
}

} // namespace
