// common.hpp from inside, where a black box cannot reach.
#include "common.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <thread>
#include <type_traits>

#include <fcntl.h>
#include <sys/mman.h>

namespace
{

/// Two sockets that are connected to each other.
struct Pair {
    Pair()
    {
        const Address any = resolve("127.0.0.1", 0).front();
        listener.bind(any);
        listener.listen(1);
        near.connect(listener.getsockname());
        far = listener.accept().first;
    }
    Socket listener{AF_INET, SOCK_STREAM};
    Socket near{AF_INET, SOCK_STREAM};
    Socket far{AF_INET, SOCK_STREAM};
};

std::string sentence(const std::function<void()>& attempt)
{
    try {
        attempt();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

TEST(CommonSocket, MovesButNeverCopies)
{
    static_assert(!std::is_copy_constructible_v<Socket> && !std::is_copy_assignable_v<Socket>);
    static_assert(std::is_nothrow_move_constructible_v<Socket> &&
                  std::is_nothrow_move_assignable_v<Socket>);
    Socket first(AF_INET, SOCK_STREAM);
    const int descriptor = first.fileno();
    Socket second(std::move(first));
    EXPECT_EQ(second.fileno(), descriptor);
    EXPECT_EQ(first.fileno(), -1); // NOLINT: what is left of it is what is tested
}

TEST(CommonSocket, ClosesItsDescriptorOnceAndOnlyOnce)
{
    int descriptor = -1;
    {
        Socket socket(AF_INET, SOCK_STREAM);
        descriptor = socket.fileno();
        socket.close();
        socket.close();
        const Socket next(AF_INET, SOCK_STREAM); // takes the number that has become free
        EXPECT_EQ(next.fileno(), descriptor);
        socket.close();
        EXPECT_EQ(next.getsockname().family(), AF_INET);
    }
    EXPECT_EQ(fcntl(descriptor, F_GETFD), -1);
}

TEST(CommonSocket, NamesTheCallAndTheAddressInItsErrors)
{
    Pair pair;
    const std::string there = pair.listener.getsockname().str();
    Socket socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(sentence([&] { socket.bind(pair.listener.getsockname()); }),
              "bind " + there + ": Address already in use");
    EXPECT_EQ(sentence([&] { Socket(-1, SOCK_STREAM); }),
              "socket: Address family not supported by protocol");
    pair.near.settimeout(Seconds(0.05));
    EXPECT_EQ(sentence([&] { pair.near.recv(1); }), "recv " + there + ": Connection timed out");
    pair.listener.close();
    EXPECT_EQ(sentence([&] {
                  socket.connect(resolve(there.substr(0, 9), std::stoi(there.substr(10))).front());
              }),
              "connect " + there + ": Connection refused");
}

TEST(CommonSocket, TellsThatThePeerHasGoneWithoutASignal)
{
    Pair pair;
    pair.far.close();
    const std::string said = sentence([&] {
        for (int i = 0; i < 100; ++i) {
            pair.near.send("x");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    EXPECT_EQ(said.substr(0, 5), "send ");
}

TEST(CommonAddress, PrintsIPv4AndIPv6)
{
    EXPECT_EQ(resolve("127.0.0.1", 9999).front().str(), "127.0.0.1:9999");
    EXPECT_EQ(resolve("::1", 9999).front().str(), "[::1]:9999");
    EXPECT_EQ(sentence([] { resolve("127.0.0.1", 1, -1); }),
              std::string("getaddrinfo 127.0.0.1: ") + ::gai_strerror(EAI_SOCKTYPE) +
                  ". Check the name, or use a number such as 127.0.0.1.");
}

TEST(CommonScreen, MakesControlCharactersVisibleAndLeavesTextAlone)
{
    static const locale_t utf_8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf_8 == nullptr) {
        GTEST_SKIP() << "this machine has no locale in which UTF-8 is text";
    }
    EXPECT_EQ(visible("Hello, Yam!"), "Hello, Yam!");
    EXPECT_EQ(visible("王小明 é \\"), "王小明 é \\");
    EXPECT_EQ(visible("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(visible(std::string("\0\x1b\x7f", 3)), "\\x00\\x1b\\x7f");
    EXPECT_EQ(visible("\xc2\x9b"), "\\xc2\\x9b") << "CSI, the other way to write ESC [";
    EXPECT_EQ(visible("\xcd\xf5\xff\xe7\x8e"), "\\xcd\\xf5\\xff\\xe7\\x8e")
        << "not UTF-8, or cut off";
}

TEST(CommonScreen, PrintsTextAndNumbers)
{
    const int before = dup(STDOUT_FILENO);
    const int file = memfd_create("screen", MFD_CLOEXEC);
    dup2(file, STDOUT_FILENO);
    print("port ", 9999, ", ", std::string("size "), std::string("Yam").size(), ", ", 'x');
    dup2(before, STDOUT_FILENO);
    char text[64] = "";
    EXPECT_GT(pread(file, text, sizeof text - 1, 0), 0);
    EXPECT_STREQ(text, "port 9999, size 3, x\n");
    close(before);
    close(file);
}

TEST(CommonCommandLine, TakesNumbersAndSaysWhatItExpected)
{
    for (const auto& [text, seconds] :
         {std::pair{"0", 0.0}, {"1", 1.0}, {"0.25", 0.25}, {".5", 0.5}, {"3.", 3.0}}) {
        EXPECT_EQ(decimal_seconds("--delay", text), Seconds(seconds)) << text;
    }
    EXPECT_EQ(sentence([] { whole_number("--port", "abc", 0, 65535); }),
              "invalid value 'abc' for --port: expected a whole number from 0 to 65535");
}

} // namespace
