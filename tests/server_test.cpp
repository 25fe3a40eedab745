// The greeting server as the notebook has it, seen from outside. These tests hold for every server
// that keeps the notebook's contract: make test SERVER='python3 my_server.py' points them at
// another one.
#include "harness.hpp"

#include <csignal>
#include <thread>

using namespace lab;

namespace
{

const std::string step4 = "step 4 of the notebook, the loop around accept: ";
const std::string welcome = "step 4 of the notebook, tcplink, sock.send(b'Welcome!'): the thread's "
                            "first act, before it receives.";
const std::string greeting = "step 4 of the notebook, tcplink, sock.send(('Hello, %s!' % "
                             "data)...): \"Hello, \", then the bytes "
                             "received and no others, then \"!\".";
const std::string goodbye =
    "step 4 of the notebook, tcplink, data == 'exit': break, and then sock.close().";

/// A new client that has been welcomed.
Peer welcomed(const Server& server)
{
    Peer client = server.client();
    EXPECT_TRUE(client.hears("Welcome!", welcome));
    return client;
}

TEST(NotebookServer, WaitsForConnectionsAndSaysSo)
{
    const Server server;
    EXPECT_EQ(server.out(), "Waiting for connection...\n")
        << "Standard output carries the notebook's lines only.";
}

TEST(NotebookServer, WelcomesAClientBeforeItSaysAnything)
{
    const Server server;
    Peer client = server.client();
    EXPECT_TRUE(client.hears("Welcome!", welcome));
    EXPECT_FALSE(client.has_news(Seconds(0.2)))
        << "After Welcome! it is the client's turn: " << client.receive(100);
}

TEST(NotebookServer, GreetsEachNameInTurn)
{
    const Server server;
    Peer client = welcomed(server);
    for (const std::string name :
         {"Yam", "May", "Sarah", "A"}) { // the last is shorter than the one before it
        client.say(name);
        EXPECT_TRUE(client.hears("Hello, " + name + "!", greeting));
    }
}

TEST(NotebookServer, ThinksForASecondBeforeItAnswers)
{
    const Server server("1");
    Peer client = welcomed(server);
    const auto start = Clock::now();
    client.say("Yam");
    EXPECT_TRUE(client.hears("Hello, Yam!", greeting));
    EXPECT_GE(Seconds(Clock::now() - start).count(), 0.99)
        << "look at: step 4 of the notebook, tcplink, time.sleep(1).";
}

TEST(NotebookServer, ClosesWithoutAnAnswerOnExit)
{
    const Server server;
    Peer client = welcomed(server);
    client.say("exit");
    EXPECT_TRUE(client.sees_the_end(goodbye));
}

TEST(NotebookServer, ClosesOnExitAfterAGreeting)
{
    const Server server;
    Peer client = welcomed(server);
    client.say("Sarah");
    EXPECT_TRUE(client.hears("Hello, Sarah!", greeting));
    client.say("exit");
    EXPECT_TRUE(client.sees_the_end(goodbye));
}

TEST(NotebookServer, TakesOnlyExactlyExitForGoodbye)
{
    const Server server;
    Peer client = welcomed(server);
    for (const std::string name :
         {"exit!", "exi", "exits", "Exit", "EXIT", " exit", "exit\n", "exit\r\n", "e"}) {
        client.say(name);
        ASSERT_TRUE(
            client.hears("Hello, " + name + "!",
                         "step 4 of the notebook, tcplink, == 'exit': these four bytes alone, "
                         "not a text that begins with them or is like them."));
    }
}

TEST(NotebookServer, PrintsWhoComesAndWhoGoes)
{
    const Server server;
    Peer client = welcomed(server);
    const std::string accepted =
        "Waiting for connection...\nAccept new connection from " + client.address() + "...\n";
    EXPECT_TRUE(server.prints(accepted))
        << "look at: step 4 of the notebook, tcplink, print('Accept new connection from "
           "%s:%s...' % addr): the client's address and port; is the line flushed?";
    client.say("exit");
    EXPECT_TRUE(client.sees_the_end(goodbye));
    EXPECT_TRUE(server.prints("Connection from " + client.address() + " closed.\n"))
        << "look at: step 4 of the notebook, tcplink, the thread's last line.";
    EXPECT_EQ(server.out(), accepted + "Connection from " + client.address() + " closed.\n")
        << "Standard output carries the notebook's lines and nothing else.";
}

TEST(NotebookServer, ReportsAClientThatClosesWithoutExit)
{
    const Server server;
    Peer client = welcomed(server);
    const std::string address = client.address();
    client.close();
    EXPECT_TRUE(server.prints("Connection from " + address + " closed.\n"))
        << "look at: step 4 of the notebook, tcplink, if not data: recv returned nothing, so the "
           "client has closed.";
}

TEST(NotebookServer, AnswersANameThatComesTogetherWithTheEnd)
{
    const Server server;
    Peer client = welcomed(server);
    client.say("Yam");
    client.half_close();
    EXPECT_TRUE(client.hears("Hello, Yam!", greeting));
    EXPECT_TRUE(client.sees_the_end(
        "step 4 of the notebook, tcplink, if not data: break, and then sock.close()."));
}

TEST(NotebookServer, OutlivesAClientThatLeavesAtOnce)
{
    const Server server;
    for (int i = 0; i < 20; ++i) {
        server.client().close();
    }
    Peer next = welcomed(server);
    next.say("Yam");
    EXPECT_TRUE(next.hears("Hello, Yam!",
                           step4 + "the end of one client must not be the end of the server."));
}

TEST(NotebookServer, OutlivesClientsThatGoInTheMiddleOfAnAnswer)
{
    const Server server("0.1");
    for (const bool hard : {true, false, true, false}) {
        Peer client = welcomed(server);
        const std::string address = client.address();
        client.say("Yam");
        std::this_thread::sleep_for(
            Seconds(0.05)); // the server is thinking; its answer will meet no one
        client.say("May");
        hard ? client.reset() : client.close();
        server.prints("Connection from " + address + " closed.\n",
                      Seconds(2)); // the notebook's never says so
    }
    Peer next = welcomed(server);
    next.say("May");
    EXPECT_TRUE(next.hears(
        "Hello, May!", step4 + "send to a client that has gone fails with EPIPE or ECONNRESET, and "
                               "raises SIGPIPE; that ends one thread, and not the server."));
}

TEST(NotebookServer, ServesAClientWhileAnotherIsSilent)
{
    const Server server;
    Peer silent = welcomed(server);
    Peer second = server.client();
    EXPECT_TRUE(second.hears(
        "Welcome!",
        step4 + "a new thread for each connection, or one silent client holds up all."));
    second.say("May");
    EXPECT_TRUE(second.hears("Hello, May!", greeting));
    silent.say("Yam");
    EXPECT_TRUE(silent.hears("Hello, Yam!", greeting + " Each thread has a socket of its own."));
}

TEST(NotebookServer, ServesTwoClientsInTheTimeOfOne)
{
    const Server server("1");
    Peer first = welcomed(server);
    Peer second = welcomed(server);
    const auto start = Clock::now();
    first.say("Yam");
    second.say("May");
    EXPECT_TRUE(first.hears("Hello, Yam!", greeting));
    EXPECT_TRUE(second.hears("Hello, May!", greeting));
    EXPECT_LT(Seconds(Clock::now() - start).count(), 1.9)
        << "look at: " << step4 << "a new thread for each connection.";
}

TEST(NotebookServer, AnswersEachOfManyClientsWithItsOwnName)
{
    const Server server("0.2"); // while it thinks, the others speak
    std::vector<Peer> clients;
    for (int i = 0; i < 30; ++i) {
        clients.push_back(welcomed(server));
        clients.back().say("client " + std::to_string(i));
    }
    for (int i = 0; i < 30; ++i) {
        EXPECT_TRUE(clients[static_cast<std::size_t>(i)].hears(
            "Hello, client " + std::to_string(i) + "!",
            step4 + "each thread gets its own socket and buffer, by value and not by reference to "
                    "the loop's."));
    }
}

TEST(NotebookServer, TakesTwoSendsForOneMessageWhenTheyArriveTogether)
{
    const Server server("0.3");
    Peer client = welcomed(server);
    client.say("Sarah");
    std::this_thread::sleep_for(
        Seconds(0.1)); // while the server thinks about Sarah, two names come in
    client.say("Yam");
    client.say("May");
    const std::string lesson =
        "TCP is a stream of bytes: recv returns what is there, here the bytes of two sends.";
    EXPECT_TRUE(client.hears("Hello, Sarah!", greeting));
    EXPECT_TRUE(client.hears("Hello, YamMay!", lesson));
}

TEST(NotebookServer, ReceivesAtMost1024BytesAtATime)
{
    const Server server("0.3");
    Peer client = welcomed(server);
    client.say("Sarah");
    std::this_thread::sleep_for(Seconds(0.1));
    client.say(std::string(1024, 'a') + std::string(1000, 'b'));
    EXPECT_TRUE(client.hears("Hello, Sarah!", greeting));
    EXPECT_TRUE(client.hears("Hello, " + std::string(1024, 'a') + "!",
                             "step 4 of the notebook, tcplink, sock.recv(1024)."));
    EXPECT_TRUE(client.hears("Hello, " + std::string(1000, 'b') + "!",
                             "step 4 of the notebook, tcplink, sock.recv(1024)."));
}

TEST(NotebookServer, ReturnsEveryByteOfANameAsItCame)
{
    const Server server;
    Peer client = welcomed(server);
    for (const std::string& name :
         {std::string("王小明 é ü"), std::string("%s %n %d"), std::string("a\0b\0", 4),
          std::string("\x01\x7f\t\r\n"), std::string(1024, 'x')}) {
        client.say(name);
        EXPECT_TRUE(client.hears("Hello, " + name + "!",
                                 greeting + " A zero byte does not end it, and % means nothing."));
    }
}

TEST(NotebookServer, CountsBytesAndNotSends)
{
    const Server server;
    Peer client = welcomed(server);
    client.say("ex");
    EXPECT_TRUE(client.hears("Hello, ex!", greeting));
    client.say("it");
    EXPECT_TRUE(client.hears(
        "Hello, it!",
        "step 4 of the notebook, tcplink: each recv stands for itself, nothing is carried over."));
}

} // namespace
