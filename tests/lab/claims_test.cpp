// What the two documents claim about TCP and UDP, each claim a test that bears its name. Read one
// as an example: it makes the claim happen on real sockets, through common.hpp, or with the bare
// call where the class would not let it happen.
#include "common.hpp"
#include "lessons/datagram.hpp"
#include "tests/watch/network.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <set>
#include <thread>

#include <netinet/in.h>

namespace
{

const Address any_port = resolve("127.0.0.1", 0).front();

/// A TCP socket that listens on a free port of 127.0.0.1.
Socket listening(int backlog = 128)
{
    Socket s(AF_INET, SOCK_STREAM);
    s.bind(any_port);
    s.listen(backlog);
    return s;
}

Socket connected_to(const Socket& listener)
{
    Socket s(AF_INET, SOCK_STREAM);
    s.connect(listener.getsockname());
    return s;
}

/// What errno a call fails with; 0 if it does not.
int error_of(const std::function<void()>& call)
{
    try {
        call();
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

// ---- The tutorial's nine points -----------------------------------------------------------------

TEST(Claim, AServerBindsOrNoClientCanFindIt)
{
    Socket server(AF_INET, SOCK_STREAM);
    const Address agreed =
        listening().getsockname(); // a port that clients were told of, and nobody has
    server.listen(1);              // without bind, the kernel picks another one
    EXPECT_NE(server.getsockname().str(), agreed.str());
    Socket client(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { client.connect(agreed); }), ECONNREFUSED);
}

TEST(Claim, AClientNeedNotBindConnectPicksAFreePort)
{
    const Socket server = listening();
    Socket client(AF_INET, SOCK_STREAM);
    EXPECT_EQ(client.getsockname().str(), "0.0.0.0:0") << "Before connect, it has no address.";
    client.connect(server.getsockname());
    EXPECT_EQ(client.getsockname().str().substr(0, 10), "127.0.0.1:");
    EXPECT_NE(client.getsockname().str(), "127.0.0.1:0");
}

TEST(Claim, ListenTurnsAnActiveSocketIntoAPassiveOne)
{
    Socket server(AF_INET, SOCK_STREAM);
    server.bind(any_port);
    Socket early(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { early.connect(server.getsockname()); }), ECONNREFUSED)
        << "Bound, but active.";
    server.listen(1);
    Socket client = connected_to(server);
    EXPECT_EQ(error_of([&] { server.connect(any_port); }), EISCONN)
        << "A passive socket connects to nobody.";
}

TEST(Claim, TcpMustConnectBeforeItSends)
{
    const Socket tcp(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { tcp.send("Yam"); }), EPIPE);
}

TEST(Claim, UdpJustSends)
{
    Socket receiver(AF_INET, SOCK_DGRAM);
    receiver.bind(any_port);
    sendto(Socket(AF_INET, SOCK_DGRAM), "Yam", receiver.getsockname());
    EXPECT_EQ(recvfrom(receiver).data, "Yam");
}

TEST(Claim, AcceptReturnsANewSocketForEachClient)
{
    const Socket server = listening();
    const Socket yam = connected_to(server);
    const Socket may = connected_to(server);
    const auto [to_yam, yam_address] = server.accept();
    const auto [to_may, may_address] = server.accept();
    EXPECT_EQ((std::set{server.fileno(), to_yam.fileno(), to_may.fileno()}.size()), 3U);
    may.send("May");
    yam.send("Yam");
    EXPECT_EQ(to_yam.recv(1024), "Yam");
    EXPECT_EQ(to_may.recv(1024), "May");
}

TEST(Claim, TheListeningSocketOnlyTakesConnectionRequests)
{
    const Socket server = listening();
    const Socket client = connected_to(server);
    client.send("Yam");
    EXPECT_EQ(error_of([&] { server.recv(1024); }), ENOTCONN)
        << "What a client sends comes to accept's socket.";
    EXPECT_EQ(error_of([&] { server.send("Welcome!"); }), EPIPE);
    EXPECT_EQ(server.accept().first.recv(1024), "Yam");
}

TEST(Claim, ClosingTheListeningSocketKeepsNewClientsOutAndThoseConnectedGoOn)
{
    Socket server = listening();
    const Address address = server.getsockname();
    const Socket client = connected_to(server);
    const Socket service = server.accept().first;
    server.close();
    Socket late(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { late.connect(address); }), ECONNREFUSED);
    client.send("Yam");
    EXPECT_EQ(service.recv(1024), "Yam");
    service.send("Hello, Yam!");
    EXPECT_EQ(client.recv(1024), "Hello, Yam!");
}

TEST(Claim, ClosingTheAcceptedSocketEndsThatClientsService)
{
    const Socket server = listening();
    const Socket first = connected_to(server);
    Socket to_first = server.accept().first;
    const Socket second = connected_to(server);
    const Socket to_second = server.accept().first;
    to_first.close();
    EXPECT_EQ(first.recv(1024), "") << "Nothing: the service of this client has ended.";
    to_second.send("Hello!");
    EXPECT_EQ(second.recv(1024), "Hello!") << "That of the other has not.";
}

TEST(Claim, WhenTheClientClosesTheServersRecvReturnsWithLength0)
{
    const Socket server = listening();
    Socket client = connected_to(server);
    const Socket service = server.accept().first;
    auto blocked = std::async(std::launch::async, [&] { return service.recv(1024); });
    client.close();
    EXPECT_EQ(blocked.get().size(), 0U);
}

// ---- What else they say -------------------------------------------------------------------------

TEST(Claim, TheHandshakeIsDoneByTheKernelBeforeAcceptIsCalled)
{
    const Socket server = listening();
    const Socket client = connected_to(server); // returns: the connection is there
    client.send("Yam");                         // and carries bytes
    EXPECT_EQ(server.accept().first.recv(1024), "Yam");
}

TEST(Claim, TwoAddressesAndTwoPortsTogetherIdentifyAConnection)
{
    std::string why; // where it can be had, a network in which nobody else has these ports
    lab::enter_private_network(why);
    const Socket server = listening();
    std::set<std::string> clients;
    std::vector<Socket> open;
    for (int i = 0; i < 3; ++i) {
        open.push_back(connected_to(server));
        auto [service, address] = server.accept();
        EXPECT_EQ(service.getsockname().str(), server.getsockname().str())
            << "The server's half is the same for all.";
        EXPECT_EQ(address, open.back().getsockname().str());
        clients.insert(address);
        open.push_back(std::move(service));
    }
    EXPECT_EQ(clients.size(), 3U) << "The client's half is not.";
    // One client's port serves for two connections, if the other half differs.
    const Socket other_server = listening();
    Socket again(AF_INET, SOCK_STREAM);
    open[0].setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    again.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    again.bind(open[0].getsockname());
    EXPECT_EQ(error_of([&] { again.connect(server.getsockname()); }), EADDRNOTAVAIL)
        << "The same four: taken.";
    again.connect(other_server.getsockname());
}

TEST(Claim, AStreamArrivesWholeAndInOrderThoughItsPiecesDifferFromTheSends)
{
    const Socket server = listening();
    const Socket client = connected_to(server);
    const Socket service = server.accept().first;
    client.send("Yam");
    client.send("May");
    client.send("Sarah");
    ::shutdown(client.fileno(), SHUT_WR);
    std::string whole;
    for (std::string piece; !(piece = service.recv(2)).empty();) {
        whole += piece;
    }
    EXPECT_EQ(whole, "YamMaySarah");
}

TEST(Claim, ADatagramKeepsItsBoundaries)
{
    Socket receiver(AF_INET, SOCK_DGRAM);
    receiver.bind(any_port);
    const Socket sender(AF_INET, SOCK_DGRAM);
    for (const std::string name : {"Yam", "", "May"}) {
        sendto(sender, name, receiver.getsockname());
    }
    EXPECT_EQ(recvfrom(receiver).data, "Yam");
    EXPECT_EQ(recvfrom(receiver).data, "") << "An empty datagram is a datagram.";
    EXPECT_EQ(recvfrom(receiver).data, "May");
}

TEST(Claim, LoopbackIsReachableOnlyThroughItselfAndTheWildcardOnEveryAddress)
{
    // All of 127.0.0.0/8 is this machine: 127.0.0.2 stands for another address of it. That a packet
    // for 127.0.0.1 never comes in from outside takes a second machine to see.
    const Socket local = listening();
    const int port =
        ntohs(reinterpret_cast<const sockaddr_in&>(local.getsockname().storage).sin_port);
    Socket stranger(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { stranger.connect(resolve("127.0.0.2", port).front()); }),
              ECONNREFUSED);

    Socket everywhere(AF_INET, SOCK_STREAM);
    everywhere.bind(resolve("0.0.0.0", 0).front());
    everywhere.listen(1);
    const int open =
        ntohs(reinterpret_cast<const sockaddr_in&>(everywhere.getsockname().storage).sin_port);
    for (const std::string address : {"127.0.0.1", "127.0.0.2"}) {
        Socket client(AF_INET, SOCK_STREAM);
        EXPECT_EQ(error_of([&] { client.connect(resolve(address, open).front()); }), 0) << address;
        EXPECT_EQ(everywhere.accept().first.getsockname().str(),
                  address + ":" + std::to_string(open));
    }
}

TEST(Claim, PortsUnder1024MayNeedPrivileges)
{
    // On Linux the border is a setting, and root, or whoever has CAP_NET_BIND_SERVICE, may cross
    // it.
    int border = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> border;
    if (geteuid() == 0 || border <= 1) {
        GTEST_SKIP() << "here they need none: the tests run as root, or the border is lowered";
    }
    Socket server(AF_INET, SOCK_STREAM);
    EXPECT_EQ(error_of([&] { server.bind(resolve("127.0.0.1", 1).front()); }), EACCES);
}

TEST(Claim, ListensArgumentIsHowManyMayWaitForAccept)
{
    // The notebook calls it the largest number of connections to wait for, the tutorial the number
    // of clients at the same time. On Linux it is the length of the queue of completed handshakes
    // that nobody has accepted yet, plus one; the number of clients being served has no part in it.
    // See listen(2).
    const Socket server = listening(1);
    std::vector<Socket> clients;
    int connected = 0;
    while (connected < 10) {
        Socket client(AF_INET, SOCK_STREAM);
        client.settimeout(Seconds(0.1));
        if (error_of([&] { client.connect(server.getsockname()); }) == ETIMEDOUT) {
            break;
        }
        clients.push_back(std::move(client));
        ++connected;
    }
#ifdef __linux__
    EXPECT_EQ(connected, 2);
#endif
    const Socket service =
        server.accept().first; // room again, and the one that is served does not count
    Socket next(AF_INET, SOCK_STREAM);
    next.settimeout(Seconds(10));
    EXPECT_EQ(error_of([&] { next.connect(server.getsockname()); }), 0);
}

TEST(Claim, EachClientNeedsAThreadOfItsOwnOrItWaitsItsTurn)
{
    const Socket server = listening();
    const auto serve_next = [&] {
        const Socket service = server.accept().first;
        service.send("Hello, " + service.recv(1024) + "!");
    };
    const Socket silent = connected_to(server);
    Socket eager = connected_to(server);
    eager.send("Yam");
    eager.settimeout(Seconds(0.1));
    std::thread first(serve_next); // is given the silent client, and waits for it
    EXPECT_EQ(error_of([&] { eager.recv(1024); }), ETIMEDOUT)
        << "One thread: the second client waits.";
    eager.settimeout(Seconds(10));
    std::thread second(serve_next);
    EXPECT_EQ(eager.recv(1024), "Hello, Yam!") << "A thread of its own: it is served.";
    silent.send("May");
    first.join();
    second.join();
}

} // namespace
