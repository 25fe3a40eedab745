// lessons/http_get against web servers that misbehave, which the tests play themselves, and one
// that someone else wrote.
#include "../checks/harness.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

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
class HttpGet : public testing::Test
{
  protected:
    HttpGet()
    {
        std::string name = (fs::temp_directory_path() / "lab-http-XXXXXX").string();
        directory = mkdtemp(name.data());
    }
    ~HttpGet() override { fs::remove_all(directory); }

    std::string command(const std::string& options = "") const
    {
        return own("lessons/http_get") + " --host 127.0.0.1 --port " +
               std::to_string(listener.port()) + " --output " + (directory / "page").string() +
               " " + options;
    }

    /// Answers one request with these pieces, each sent by itself, and closes. Returns the exit
    /// status.
    int fetch(const std::vector<std::string>& pieces, const std::string& options = "")
    {
        Program client(command(options));
        Peer server = listener.accept();
        request = server.receive(55 + std::to_string(listener.port()).size());
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
    fs::path directory;
    std::string request;
    std::string header;
    std::string error;
};

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

TEST_F(HttpGet, PutsAPageTogetherThatComesAByteAtATime)
{
    const std::string answer = "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc\r\n\r\nde";
    EXPECT_EQ(fetch(bytes_of(answer)), 0) << error;
    EXPECT_EQ(page(), "abc\r\n\r\nde");
}

TEST_F(HttpGet, SavesAnEmptyPage)
{
    EXPECT_EQ(fetch({"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}), 0) << error;
    EXPECT_EQ(page(), "");
    EXPECT_EQ(files(), 1);
}

TEST_F(HttpGet, JoinsChunksHoweverTheyAreSplit)
{
    const std::string start = "HTTP/1.1 200 OK\r\ntransfer-ENCODING: Chunked\r\n\r\n";
    const std::string body =
        "5\r\nHello\r\n00a;name=value\r\n, \r\n\r\nWor\r\r\n3\r\nld!\r\n0\r\nTrailer: x\r\n\r\n";
    const std::string joined = "Hello, \r\n\r\nWor\rld!";
    for (std::size_t split = 0; split < body.size(); split += 1 + body.size() / 12) {
        EXPECT_EQ(fetch({start + body.substr(0, split), body.substr(split)}), 0) << error;
        EXPECT_EQ(page(), joined) << "split after " << split;
    }
    EXPECT_EQ(fetch(bytes_of(start + body)), 0) << error;
    EXPECT_EQ(page(), joined);
}

TEST_F(HttpGet, SaysHowMuchIsMissing)
{
    fails({"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", std::string(600, 'x')},
          "600 of 1000 bytes came, 400 are");
}

TEST_F(HttpGet, KeepsNoMoreThanThePage)
{
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"}), 0) << error;
    EXPECT_EQ(page(), "abc");
}

TEST_F(HttpGet, RefusesWhatIsNoPage)
{
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
    EXPECT_EQ(client.status(), 1);
    EXPECT_NE(client.err().find("timed out"), std::string::npos) << client.err();
    EXPECT_EQ(page(), "the old page");
}

TEST_F(HttpGet, SaysThatTheServerReset)
{
    Program client(command());
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n\r\nabc");
    server.reset();
    EXPECT_EQ(client.status(), 1);
    EXPECT_NE(client.err().find("reset by peer"), std::string::npos) << client.err();
    EXPECT_EQ(files(), 0);
}

TEST_F(HttpGet, SaysThatNobodyListensOrTheHostIsUnknown)
{
    const int nobody = Listener().port();
    Program refused(own("lessons/http_get") + " --host 127.0.0.1 --port " + std::to_string(nobody));
    EXPECT_EQ(refused.status(), 1);
    EXPECT_NE(refused.err().find("refused"), std::string::npos) << refused.err();
    Program unknown(own("lessons/http_get") + " --host no-such-host.invalid");
    EXPECT_EQ(unknown.status(), 1);
    EXPECT_NE(unknown.err().find("no-such-host.invalid"), std::string::npos) << unknown.err();
}

TEST_F(HttpGet, LeavesTheOldFileWhenTheDiskIsFull)
{
    std::ofstream(directory / "page") << "the old page";
    Program client("sh -c 'trap \"\" XFSZ; ulimit -f 8; exec " + command() +
                   "'"); // no file over a few KiB
    Peer server = listener.accept();
    server.say("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'));
    server.half_close();
    EXPECT_EQ(client.status(), 1);
    EXPECT_NE(client.err().find("write "), std::string::npos) << client.err();
    EXPECT_EQ(page(), "the old page");
    EXPECT_EQ(files(), 1);
}

TEST_F(HttpGet, SaysThatAFileCannotBeMade)
{
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\n"}, "--output " + (directory / "none/page").string()),
              1);
    EXPECT_NE(error.find("none/page"), std::string::npos) << error;
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nabc"}, "--output /dev/full"), 1);
    EXPECT_NE(error.find("No space left"), std::string::npos) << error;
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nabc"}, "--output /dev/null"), 0) << error;
    EXPECT_TRUE(fs::is_character_file("/dev/null")) << "The device was replaced by a file.";
}

TEST_F(HttpGet, WritesThroughALinkAndKeepsThePermissions)
{
    std::ofstream(directory / "real") << "the old page";
    fs::permissions(directory / "real", fs::perms::owner_read | fs::perms::owner_write);
    fs::create_symlink("real", directory / "page");
    EXPECT_EQ(fetch({"HTTP/1.1 200 OK\r\n\r\nnew"}), 0) << error;
    EXPECT_TRUE(fs::is_symlink(directory / "page"));
    EXPECT_EQ(read_file(directory / "real"), "new");
    EXPECT_EQ(fs::status(directory / "real").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(HttpGet, FetchesAPageLikeTheNotebooksAndALargeOne)
{
    for (const std::size_t size : {std::size_t{607'618}, std::size_t{20'000'000}}) {
        std::string body(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            body[i] = static_cast<char>(i * 2654435761U >> 13U);
        }
        ASSERT_EQ(fetch({"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n",
                         body}),
                  0)
            << error;
        EXPECT_TRUE(page() == body);
    }
}

TEST_F(HttpGet, RefusesAPathThatWouldBreakTheRequest)
{
    for (const std::string path :
         {"index.html", "'/a b'", R"sh("$(printf '/\r\nX: y')")sh", "''"}) {
        Program client(own("lessons/http_get") + " --path " + path);
        EXPECT_EQ(client.status(), 2) << path;
        EXPECT_NE(client.err().find("--path"), std::string::npos) << client.err();
    }
}

TEST_F(HttpGet, FetchesFromAWebServerThatSomeoneElseWrote)
{
    std::ofstream(directory / "source") << all_bytes;
    const Program server("python3 -m http.server --bind 127.0.0.1 --directory " +
                         directory.string() + " 0");
    ASSERT_TRUE(server.prints("port "));
    const std::string said = server.out();
    Program client(own("lessons/http_get") + " --host 127.0.0.1 --path /source --output " +
                   (directory / "page").string() + " --port " +
                   std::to_string(std::stoi(said.substr(said.find("port ") + 5))));
    EXPECT_EQ(client.status(), 0) << client.err();
    EXPECT_NE(client.out().find("Server: SimpleHTTP"), std::string::npos);
    EXPECT_EQ(page(), all_bytes);
}

} // namespace
