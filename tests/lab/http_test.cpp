// lessons/http_get against web servers that misbehave, which the tests play themselves, and one
// that someone else wrote.
#include "lab.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lab;
namespace fs = std::filesystem;

namespace
{

std::string read_file(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// A directory of the test's own, in which the page is saved, and a web server that the test plays.
template<class Base> class Fetching : public Base
{
  protected:
    std::string command(const std::string& options = "") const
    {
        return before + own("lessons/http_get") + " --host 127.0.0.1 --port " +
               std::to_string(listener.port()) + " --output " + (directory / "page").string() +
               " " + options;
    }

    /// Answers one request with these pieces, each sent by itself, and closes. Returns the exit
    /// status.
    int fetch(const std::vector<std::string>& pieces, const std::string& options = "")
    {
        Program client(command(options));
        Peer server = listener.accept();
        request.clear();
        for (std::string byte;
             !request.ends_with("\r\n\r\n") && !(byte = server.receive(1)).empty();) {
            request += byte;
        }
        for (const std::string& piece : pieces) {
            server.say(piece);
        }
        server.half_close();
        const int status = client.status();
        header = client.out();
        error = client.err();
        return status;
    }

    std::string page() const { return read_file(directory / "page"); }
    long files() const
    {
        return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
    }

    /// The fetch fails with a sentence that contains `words`, and leaves what was there before as
    /// it was.
    void fails(const std::vector<std::string>& pieces, const std::string& words,
               const std::string& options = "")
    {
        std::ofstream(directory / "page") << "the old page";
        EXPECT_EQ(fetch(pieces, options), 1) << words;
        EXPECT_NE(error.find(words), std::string::npos)
            << "\"" << words << "\" is not in: " << error;
        EXPECT_EQ(error.find('\n'), error.size() - 1) << error;
        EXPECT_EQ(page(), "the old page");
        EXPECT_EQ(files(), 1) << "Another file was left behind.";
    }

    Listener listener;
    const Folder folder;
    const fs::path directory = folder.path;
    std::string before; ///< stands before the command
    std::string request;
    std::string header;
    std::string error;
};
using HttpGet = Fetching<testing::Test>;
using HttpGetFaults = Fetching<Injected>;
using HttpGetAlone = Fetching<Alone>;

std::vector<std::string> bytes_of(const std::string& text)
{
    std::vector<std::string> bytes;
    for (const char byte : text) {
        bytes.emplace_back(1, byte);
    }
    return bytes;
}

const std::string all_bytes = [] {
    std::string text = "\r\n\r\n"; // a body may begin with a blank line
    for (int i = 0; i < 3000; ++i) {
        text += static_cast<char>(i * 7);
    }
    return text + "\r\n\r\nand contain others\n\n";
}();

TEST_F(HttpGet, AsksPrintsTheHeaderAndSavesTheBody)
{
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\nServer: test\r\n\r\n" + all_bytes}), 0) << error;
    EXPECT_EQ(request, "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(listener.port()) +
                           "\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(header, "HTTP/1.1 200 OK\nServer: test\n");
    EXPECT_EQ(page(), all_bytes);
    EXPECT_EQ(files(), 1);
}

TEST_F(HttpGet, JoinsChunksHoweverTheyAreSplit)
{
    const std::string start = "HTTP/1.1 200 OK\r\ntransfer-ENCODING: Chunked\r\n\r\n";
    const std::string body =
        "5\r\nHello\r\n00a;name=value\r\n, \r\n\r\nWor\r\r\n3\r\nld!\r\n0\r\nTrailer: x\r\n\r\n";
    const std::string joined = "Hello, \r\n\r\nWor\rld!";
    for (std::size_t split = 0; split < body.size(); split += 1 + body.size() / 12) {
        ASSERT_EQ(fetch({start + body.substr(0, split), body.substr(split)}), 0) << error;
        ASSERT_EQ(page(), joined) << "split after " << split;
    }
    ASSERT_EQ(fetch(bytes_of(start + body)), 0) << error;
    ASSERT_EQ(page(), joined);
    ASSERT_EQ(fetch({"HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chunked\r\n"
                     "Content-Length: 900\r\n\r\n" +
                     body}),
              0)
        << error;
    ASSERT_EQ(page(), joined);
}

TEST_F(HttpGet, KeepsNoMoreThanThePage)
{
    EXPECT_EQ(fetch({"HTTP/1.1 404 Not Found\r\nContent-Length: \t 0 \r\n\r\n"}), 0) << error;
    EXPECT_EQ(page(), "");
    EXPECT_EQ(files(), 1);
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"}), 0) << error;
    EXPECT_EQ(page(), "abc");
}

TEST_F(HttpGet, RefusesWhatIsNoPageOrNotAllOfIt)
{
    fails({"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", std::string(600, 'x')},
          "600 of 1000 bytes came, 400 are");
    fails({}, "closed the connection before the header");
    fails({"HTTP/1.1 200 OK\r\nServer: test\r\n"}, "before the header");
    fails({"HTTP/1.1 200 OK\nServer: test\n\nbody"}, "before the header");
    fails({"SSH-2.0-\x1b[2J\r\n\r\n"}, "\"SSH-2.0-\\x1b[2J");
    fails({"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"}, "\"many\" is not a Content-Length");
    fails({"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"},
          "not a Content-Length");
}

TEST_F(HttpGet, RefusesBrokenChunks)
{
    const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    fails({start}, "before the last chunk");
    fails({start + "5\r\nHel"}, "2 of the 5 bytes");
    fails({start + "5\r\nHello\r\n"}, "before the last chunk");
    fails({start + "5\r\nHello, world\r\n0\r\n\r\n"}, "longer than its size");
    fails({start + "5x\r\nHello\r\n0\r\n\r\n"}, "\"5x\" instead of");
    fails({start + "x\r\nHello\r\n0\r\n\r\n"}, "\"x\" instead of");
    fails({start + "-1\r\nHello\r\n0\r\n\r\n"}, "\"-1\" instead of");
    fails({start + "fffffffffffffffff\r\nHello\r\n0\r\n\r\n"}, "instead of");
    fails({start + "ffffffffffffffff\r\nHello\r\n0\r\n\r\n"}, "bytes of a chunk are missing");
    fails({start + "\r\nHello\r\n0\r\n\r\n"}, "\"\" instead of");
}

TEST_F(HttpGet, ShowsControlCharactersOfTheHeader)
{
    EXPECT_EQ(fetch({"HTTP/1.1 200 \x1b]0;owned\a\r\nX: a\nb\r\n\r\n"}), 0) << error;
    EXPECT_EQ(header, R"(HTTP/1.1 200 \x1b]0;owned\x07)"
                      "\n"
                      R"(X: a\nb)"
                      "\n");
}

TEST_F(HttpGet, GivesUpOnASilentServer)
{
    std::ofstream(directory / "page") << "the old page";
    Program client(command("--timeout 0.2"));
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n");
    EXPECT_TRUE(ends(client, 1));
    EXPECT_NE(client.err().find("timed out"), std::string::npos) << client.err();
    EXPECT_EQ(page(), "the old page");
}

TEST_F(HttpGet, SaysThatTheServerReset)
{
    Program client(command());
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n\r\nabc");
    server.reset();
    EXPECT_TRUE(ends(client, 1));
    EXPECT_NE(client.err().find("reset by peer"), std::string::npos) << client.err();
    EXPECT_EQ(files(), 0);
}

TEST_F(HttpGet, SaysThatNobodyListensOrTheHostIsUnknown)
{
    const std::string port = std::to_string(Listener().port());
    EXPECT_TRUE(refuses("lessons/http_get --host 127.0.0.1 --port " + port, {"refused"}, 1));
    EXPECT_TRUE(
        refuses("lessons/http_get --host no-such-host.invalid", {"no-such-host.invalid"}, 1));
}

TEST_F(HttpGet, LeavesTheOldFileWhenTheDiskIsFull)
{
    std::ofstream(directory / "page") << "the old page";
    Program client("sh -c 'trap \"\" XFSZ; ulimit -f 8; exec " + command() +
                   "'"); // no file over a few KiB
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'));
    server.half_close();
    EXPECT_TRUE(ends(client, 1));
    EXPECT_NE(client.err().find("write "), std::string::npos) << client.err();
    EXPECT_EQ(page(), "the old page");
    EXPECT_EQ(files(), 1);
}

TEST_F(HttpGet, SaysThatAFileCannotBeMade)
{
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\n"}, "--output " + (directory / "none/page").string()),
              1);
    EXPECT_NE(error.find("none/page"), std::string::npos) << error;
}

TEST_F(HttpGet, WritesToWhatIsNoRegularFile)
{
    // Not to a device of the machine's: as root, a program that is wrong replaces that.
    const std::string pipe = (directory / "pipe").string();
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nabc"}, "--output " + pipe), 0) << error;
    std::array<char, 10> buffer{};
    EXPECT_EQ(read(reader, buffer.data(), buffer.size()), 3) << "It is not written to.";
    EXPECT_TRUE(fs::is_fifo(pipe)) << "It was replaced by a file.";
    ::close(reader);
}

TEST_F(HttpGetFaults, SavesThePageAlthoughSignalsInterruptIt)
{
    before = with_faults("INTERRUPT=3");
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nabc"}), 0) << error;
    EXPECT_EQ(page(), "abc");

    before = with_faults("LATE_rename=1000"); // Ctrl-C while it saves
    std::ofstream(directory / "page") << "the old page";
    Program client(command());
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n\r\nnew");
    server.half_close();
    EXPECT_TRUE(eventually([&] { return files() == 2; })) << "No file is made beside the old one.";
    client.signal(SIGINT);
    client.status();
    EXPECT_EQ(files(), 1) << "A part of the page was left behind.";
    EXPECT_EQ(page(), "new");
}

TEST_F(HttpGetFaults, GivesNoAdviceAboutPortsWhereAFileCannotBeSaved)
{
    before = with_faults(failing("rename", EACCES));
    const std::string path = (directory / "page").string();
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nabc"}), 1);
    EXPECT_EQ(error, "save " + path + ": Permission denied.\n");
    EXPECT_EQ(files(), 0) << "A part of the page was left behind.";
}

TEST_F(HttpGetAlone, NamesTheHostAsAWebServerExpectsIt)
{
    NEEDS(ipv6);
    const std::string end = "\r\nConnection: close\r\n\r\n";
    for (const auto& [host, port, name] : {std::tuple{"127.0.0.1", 80, "127.0.0.1"},
                                           {"127.0.0.1", 8080, "127.0.0.1:8080"},
                                           {"::1", 8080, "[::1]:8080"},
                                           {"::1", 80, "[::1]"}}) {
        const Listener there(port, host);
        Program client(own("lessons/http_get") + " --path /a%20b --output " +
                       (directory / "page").string() + " --host " + host +
                       (port == 80 ? "" : " --port 8080"));
        Peer server = there.accept();
        EXPECT_TRUE(server.hears("GET /a%20b HTTP/1.1\r\nHost: " + std::string(name) + end,
                                 "lessons/http_get.cpp"));
    }
}

TEST_F(HttpGet, WritesThroughALinkAndKeepsThePermissions)
{
    const auto mode = [&](const char* name) {
        return static_cast<int>(fs::status(directory / name).permissions());
    };
    std::ofstream(directory / "real") << "the old page";
    fs::permissions(directory / "real", static_cast<fs::perms>(0604));
    fs::create_symlink("real", directory / "page");
    before = "sh -c 'umask 027; exec \"$0\" \"$@\"' ";
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nnew"}), 0) << error;
    EXPECT_TRUE(fs::is_symlink(directory / "page"));
    EXPECT_EQ(read_file(directory / "real"), "new");
    EXPECT_EQ(mode("real"), 0604);
    fs::remove(directory / "page");
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nnew"}), 0) << error;
    EXPECT_EQ(mode("page"), 0640) << "A new file has the permissions that umask leaves.";
}

TEST_F(HttpGetAlone, IsTheNotebooksClientWithoutOptions)
{
    const Listener port_80(80);
    fs::create_symlink(fs::absolute(variable("LAB_SHIM")), directory / "shim");
    fs::create_symlink(fs::absolute(own("lessons/http_get")), directory / "client");
    Program client("env -C " + directory.string() +
                   " LD_PRELOAD=./shim HOSTS=www.sina.com.cn=127.0.0.1 ./client");
    Peer server = port_80.accept();
    EXPECT_TRUE(server.hears("GET / HTTP/1.1\r\nHost: www.sina.com.cn\r\n"
                             "Connection: close\r\n\r\n",
                             "lessons/http_get.cpp"));
    server.say("HTTP/1.1 200 OK\r\n\r\nthe page");
    server.close();
    EXPECT_TRUE(ends(client));
    EXPECT_EQ(read_file(directory / "sina.html"), "the page");
}

TEST_F(HttpGet, FetchesFromAWebServerThatSomeoneElseWrote)
{
    std::ofstream(directory / "source") << all_bytes;
    const Program server("python3 -m http.server --bind 127.0.0.1 --directory " +
                         directory.string() + " 0");
    ASSERT_TRUE(prints(server, "port "));
    const std::string said = server.out();
    Program client(own("lessons/http_get") + " --host 127.0.0.1 --path /source --output " +
                   (directory / "page").string() + " --port " +
                   std::to_string(std::stoi(said.substr(said.find("port ") + 5))));
    EXPECT_TRUE(ends(client)) << client.err();
    EXPECT_NE(client.out().find("Server: SimpleHTTP"), std::string::npos);
    EXPECT_EQ(page(), all_bytes);
}

} // namespace
