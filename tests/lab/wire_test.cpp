// The wire: every scene, played once, by whoever runs the tests. What is checked is order,
// flags, lengths and states, and never a time, nor how many bare ACKs there are.
#include "lab.hpp"

#include <cctype>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

using namespace lab;

namespace
{

bool succeeds(const std::string& command) { return Program(command).status() == 0; }

class Wire : public testing::Test
{
  protected:
    /// Plays a scene, and keeps its lines. False if the test is over: it failed, or the system does
    /// not allow it, which only the program itself can tell.
    bool play(const std::string& scene)
    {
        Program wire("lessons/wire/wire --scene " + scene);
        const int status = wire.status();
        page_ = wire.out();
        EXPECT_TRUE(status == 0 || is_forbidden(wire)) << wire.err();
        std::istringstream lines(page_);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 100U) << "This is wider than the page: " << line;
        }
        return status == 0;
    }
    /// True, and the test is skipped, if this one has ended because of what the system allows.
    static bool is_forbidden(const Program& wire)
    {
        const bool forbidden = wire.err().find("does not allow a network") != std::string::npos;
        const auto skip = [&] { GTEST_SKIP() << wire.err(); };
        if (forbidden) {
            skip();
        }
        return forbidden;
    }

    /// Success if lines with these texts stand on the page in this order; others may stand between.
    /// In a text, ".." stands for anything.
    testing::AssertionResult shows(const std::vector<std::string>& texts) const
    {
        std::istringstream lines(page_);
        std::string line;
        for (const std::string& text : texts) {
            bool found = false;
            while (!found && std::getline(lines, line)) {
                found = contains(line, text);
            }
            if (!found) {
                return testing::AssertionFailure() << "\"" << text << "\" is missing, or stands in "
                                                   << "the wrong place, on this page:\n"
                                                   << page_;
            }
        }
        return testing::AssertionSuccess();
    }
    /// How many lines contain this text.
    long count(const std::string& text) const
    {
        long found = 0;
        std::istringstream lines(page_);
        for (std::string line; std::getline(lines, line);) {
            found += contains(line, text) ? 1 : 0;
        }
        return found;
    }
    static bool contains(const std::string& line, const std::string& text)
    {
        std::size_t from = 0;
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t end = std::min(text.find("..", at), text.size());
            from = line.find(text.substr(at, end - at), from);
            if (from == std::string::npos) {
                return false;
            }
            from += end - at;
            at = end + 2;
        }
        return true;
    }

    std::string page_;
};

const std::vector<std::string> handshake = {
    "connect(127.0.0.1:9999)", "(SYN_SENT) |- SYN seq=0 -..->|",
    "|<-.. SYN ACK seq=0 ack=1 -| (SYN_RECV)", "|- ACK seq=1 ack=1 -..->| (ESTABLISHED)"};

std::vector<std::string> after_handshake(std::vector<std::string> texts)
{
    texts.insert(texts.begin(), handshake.begin(), handshake.end());
    return texts;
}

const std::string notebook_server = "python3 tests/lab/notebook_server.py {port} {delay}";

std::string odd_server(const std::string& kind, const std::string& scene = "session")
{
    return scene + " --server 'python3 tests/lab/odd_server.py " + kind + " {port}'";
}

/// A client that makes its calls by their numbers on x86-64.
const std::string bare_client =
    "use Socket; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, pack_sockaddr_in(9999, "
    "INADDR_LOOPBACK)); \\$f = fileno(S); \\$b = chr(0) x 11; syscall(45, \\$f, \\$b, 8, 0, 0, 0); "
    "\\$y = q(Yam); syscall(44, \\$f, \\$y, 3, 0, 0, 0); syscall(45, \\$f, \\$b, 11, 0, 0, 0); "
    "syscall(3, \\$f)";

/// A scene, and what its page has to show.
struct Expectation {
    const char* test;
    std::string scene;
    std::vector<std::vector<std::string>> rows; ///< the lines of each list stand in this order
    std::vector<std::string> once = {};         ///< exactly one line
    std::vector<std::string> never = {};
};
void PrintTo(const Expectation& scene, std::ostream* out) { *out << scene.scene; }

const std::vector<Expectation> expectations = {
    {"ShowsAWholeSession",
     "session",
     {{"bind(127.0.0.1:9999)", "listen(128)..LISTEN", "accept()"},
      {"connect(", "SYN ACK", "= 0 ..ESTABLISHED |"},
      {"SYN seq=0", "(ESTABLISHED)", "= 127.0.0.1:", "ESTABLISHED"},
      after_handshake({"| = 127.0.0.1:",
                       "send(\"Welcome!\") = 8",
                       "|<-.. PSH ACK seq=1 ack=1 \"Welcome!\" -|",
                       "= \"Welcome!\"",
                       "send(\"Yam\") = 3",
                       "PSH ACK seq=1 ack=9 \"Yam\" -..->|",
                       "| = \"Yam\"",
                       "|<..PSH ACK seq=9 ack=4 \"Hello, Yam!\" -|",
                       "= \"Hello, Yam!\"",
                       "PSH ACK seq=4 ack=20 \"May\"",
                       "PSH ACK seq=20 ack=7 \"Hello, May!\"",
                       "PSH ACK seq=7 ack=31 \"Sarah\"",
                       "PSH ACK seq=31 ack=12 \"Hello, Sarah!\"",
                       "PSH ACK seq=12 ack=44 \"exit\"",
                       "close()",
                       "(FIN_WAIT1) |- FIN ACK seq=16 ack=44 -..->| (CLOSE_WAIT)",
                       "close()",
                       "(TIME_WAIT) |<-.. FIN ACK seq=44 ack=17 -| (LAST_ACK)",
                       "- ACK seq=17 ack=45 -..->| (CLOSED)",
                       "afterwards..TIME_WAIT"})},
     {"|- SYN seq=0 -", "|-..\"Yam\" -..->|"}},
    {"UnfoldsOnePacket",
     "layers",
     {{"link..14 bytes", "08 00..IPv4", "network..20 bytes", "protocol..TCP",
       "7f 00 00 01..destination..127.0.0.1", "transport..32 bytes",
       "27 0f..destination port..9999", "sequence number", "flags..PSH ACK", "checksum",
       "application   3 bytes", "59 61 6d..\"Yam\"", "69 bytes"}}},
    {"AsksWhoHasAnAddress",
     "arp",
     {{"connect(10.0.0.2:9999)", "|- ARP who has 10.0.0.2? -..->|",
       "|<..ARP 10.0.0.2 is at 02:00:00:00:00:02 -|", "SYN seq=0 -..->|", "SYN ACK seq=0 ack=1",
       "\"Hello, Yam!\"", "destination..ff:ff:ff:ff:ff:ff", "operation..1: a question",
       "destination..02:00:00:00:00:02", "source..02:00:00:00:00:01"}}},
    {"ShowsARefusal",
     "refused",
     {{"connect(127.0.0.1:9999)", "(SYN_SENT) |- SYN seq=0 -..->|",
       "(CLOSED) |<-.. RST ACK seq=0 ack=1 -|", "= Connection refused"}}},
    {"LosesTheFirstSegment",
     "lost-syn",
     {{"connect(", "(SYN_SENT) |- SYN seq=0 -..X ..| lost", "again |- SYN seq=0 -..->|",
       "SYN ACK seq=0 ack=1", "ACK seq=1 ack=1", "\"Hello, Yam!\""},
      {"SYN ACK", "= 0 ..ESTABLISHED |"}}},
    {"FillsTheBacklog",
     "full",
     {{"./client 1", "listen(0)", "SYN ACK", "./client 2", "SYN ACK", "= 0", "recv(8)",
       "./client 3", "SYN seq=0 -..->| dropped", "again |- SYN seq=0 -", "SYN ACK seq=0 ack=1",
       "\"Hello, Yam!\""}}},
    {"LosesAnAnswer",
     "lost-data",
     {{"recv(11)", "send(\"Hello, ", "lost | ..X-..PSH ACK seq=9 ack=4 \"Hello, Yam!\" -|",
       "|<..PSH ACK seq=9 ack=4 \"Hello, Yam!\" -| again", "= \"Hello, Yam!\""}}},
    {"CutsAStream",
     "stream",
     {after_handshake({"send(5000 bytes) = 5000", "seq=1 ack=1 len=1448 -..->|",
                       "seq=1449 ack=1 len=1448", "seq=2897 ack=1 len=1448",
                       "PSH ACK seq=4345 ack=1 len=656", "recv(1024)", "= 1024 bytes",
                       "= 1024 bytes", "= 1024 bytes", "= 1024 bytes", "= 904 bytes", "= \"\""})}},
    {"JoinsThreeSends",
     "joined",
     {{"send(\"Yam\") = 3", "seq=1 ack=1 \"Yam\"", "send(\"May\") = 3", "seq=4 ack=1 \"May\"",
       "send(\"Sarah\") = 5", "seq=7 ack=1 \"Sarah\"", "| recv(1024)", "| = \"YamMaySarah\""}}},
    {"ShowsANameInPieces",
     "pieces",
     {{"send(\"Ya\") = 2", "PSH ACK seq=1 ack=9 \"Ya\"", "| = \"Ya\"", "send(\"m\") = 1",
       "PSH ACK seq=3 ack=9 \"m\"", "\"Hello, Ya!\" -|", "| = \"m\"", "\"Hello, m!\" -|",
       "= \"Hello, m!\""}}},
    {"ComparesThreads",
     "many",
     {{"client 1..client 2..client 3..server"},
      {"3: = 127.0.0.1:", "3: send(\"Hell", "= \"Hello, Sarah!\"", "thank_you_loop"},
      {"accept()", "1: = 127.0.0.1:", "1: send(\"Hell", "Answers came: to client 1 after",
       "thank_you_loop", "1: = 127.0.0.1:", "1: close()", "2: = 127.0.0.1:", "2: close()",
       "3: = 127.0.0.1:", "Answers came: to client 1 after"}},
     {},
     {"the notebook's for"}},
    {"ClosesOneHalf",
     "half-close",
     {{"shutdown(SHUT_WR)", "(FIN_WAIT1) |- FIN ACK seq=4 ack=9 -..->| (CLOSE_WAIT)",
       "PSH ACK seq=9 ack=5 \"Hello, Yam!\" -|", "= \"Hello, Yam!\"",
       "(TIME_WAIT) |<-.. FIN ACK seq=20 ack=5 -| (LAST_ACK)", "= \"\""}}},
    {"KillsAClient",
     "killed",
     {{"\"Yam\" -..->|", "kill -9", "(FIN_WAIT1) |- FIN ACK seq=4 ack=9 -..->| (CLOSE_WAIT)",
       "send(\"Hello, ", "\"Hello, Yam!\" -|", "(CLOSED) |- RST seq=5 -..->| (CLOSED)"}}},
    {"ResetsAConnection",
     "reset",
     {{"\"Welcome!\" -|", "close()", "(CLOSED) |- RST ACK seq=1 ack=9 -..->| (CLOSED)",
       "= Connection reset"}}},
    {"ShowsDatagrams",
     "udp",
     {{"bind(127.0.0.1:9999)", "recvfrom(", "sendto(\"Yam\"", "|- UDP \"Yam\" -..->|",
       "| = \"Yam\"", "|<-.. UDP \"Hello, Yam!\" -|", "= \"Hello, Yam!\"", "UDP \"May\"",
       "UDP \"Sarah\"", "close()"}},
     {},
     {"SYN"}},
    {"ShowsADatagramToAClosedPort",
     "udp-refused",
     {{"sendto(\"Yam\"", "|- UDP \"Yam\" -..->|", "|<-.. ICMP port unreachable -|", "recvfrom(",
       "= nothing, in time"}}},
    {"ShowsAnotherServer",
     "session --server '" + notebook_server + "'",
     {{"./client..notebook_server.py", "bind(127.0.0.1:9999)", "LISTEN", "accept()",
       "send(\"Welcome!\") = 8", "= \"Yam\"", "\"Hello, Sarah!\" -|", "(TIME_WAIT) |<..FIN ACK",
       "States in brackets"}},
     {},
     {"gave up"}},
    {"ShowsAnotherClient",
     "session --client 'python3 tests/lab/notebook_client.py {port}'",
     {{"notebook_client.py..server", "connect(127.0.0.1:9999)", "recv(1024)", "= \"Welcome!\"",
       "send(\"Yam\") = 3", "= \"Hello, Sarah!\"", "send(\"exit\") = 4", "FIN ACK seq=16 ack=44"}},
     {},
     {"gave up"}},
    {"FollowsAScriptThatStartsTheProgram",
     "killed --server \"sh -c '" + notebook_server + "; true'\"",
     {{"accept()", "kill -9", "FIN ACK seq=4 ack=9", "RST seq=5"}}},
    {"SeesCallsThatAreMadePastTheCLibrary", // by their numbers, as Go and static programs do
     "session --client \"env -i perl -e '" + bare_client + "'\"",
     {{"env..server", "connect(127.0.0.1:9999)", "recv(8)", "= \"Welcome!\"", "send(\"Yam\") = 3",
       "= \"Hello, Yam!\"", "close()", "FIN ACK"}}},
    {"SaysWhatEachSideWaitsIn",
     odd_server("silent"),
     {{"| = 127.0.0.1:", "afterwards  ESTABLISHED", "gave up waiting.",
       "./client waits in recv(8), and has sent nothing.",
       "odd_server.py waits in sleep, and has sent nothing.",
       "Next, the server would have sent \"Welcome!\", 8 bytes."}}},
    {"SaysWhatIsOtherThanInTheNotebook",
     odd_server("newline"),
     {{R"(send("Welcome!\n") = 9)", R"("Welcome!\n" -|)", R"(8 bytes; then came "\n",)"}}},
    {"StopsAProgramThatPrintsWithoutEnd",
     "session --server yes",
     {{"yes printed without end, over 256 KiB, and was stopped."}}},
    {"StopsAProgramThatStartsThreadsOrProcessesWithoutEnd",
     "session --server \"python3 -c 'import threading, time\nwhile True: "
     "threading.Thread(target=time.sleep, args=(9,)).start()'\"",
     {{"started processes or threads without end, over 500, and was stopped."}}},
    {"StopsAProgramThatSendsWithoutEnd",
     odd_server("flood", "pieces"),
     {{"more rows are not shown", "was stopped after"}}},
};

class Scenes : public Wire, public testing::WithParamInterface<Expectation>
{
};

TEST_P(Scenes, Show)
{
    if (std::string(GetParam().test).find("StartsThreads") != std::string::npos) {
        NEEDS(allows_threads(1000));
    }
    if (!play(GetParam().scene)) {
        return;
    }
    for (const std::vector<std::string>& rows : GetParam().rows) {
        EXPECT_TRUE(shows(rows));
    }
    for (const std::string& text : GetParam().once) {
        EXPECT_EQ(count(text), 1) << text << ", on this page:\n" << page_;
    }
    for (const std::string& text : GetParam().never) {
        EXPECT_EQ(count(text), 0) << text << ", on this page:\n" << page_;
    }
}
INSTANTIATE_TEST_SUITE_P(Wire, Scenes, testing::ValuesIn(expectations),
                         [](const auto& test) { return test.param.test; });

TEST_F(Wire, HasTheSegmentsWhereCallsAreNotSeen)
{
    setenv("UNWATCHED", "1", 1);
    const bool plays = play("session");
    unsetenv("UNWATCHED");
    if (!plays) {
        return;
    }
    EXPECT_TRUE(shows({"SYN ACK seq=0 ack=1", "\"Welcome!\" -|", "\"Hello, Sarah!\" -|",
                       "(TIME_WAIT) |<..FIN ACK", "Calls are not seen"}));
    EXPECT_EQ(count("connect("), 0) << page_;
}

TEST_F(Wire, WritesWhatOthersRead)
{
    const Folder folder;
    const std::string pcap = folder.path + "/a.pcap";
    const std::string svg = folder.path + "/a.svg";
    if (!play("stream --pcap " + pcap + " --svg " + svg)) {
        return;
    }
    EXPECT_TRUE(succeeds("python3 -c 'import sys, xml.dom.minidom as d; p = d.parse(\"" + svg +
                         "\"); sys.exit(not p.getElementsByTagName(\"line\"))'"))
        << "the picture is no XML, or has no arrows";
    EXPECT_FALSE(folder.has("a.pcap.part") || folder.has("a.svg.part"));
    Program reader("python3 tests/lab/read_pcap.py " + pcap);
    ASSERT_TRUE(ends(reader)) << reader.err();
    page_ = reader.out();
    EXPECT_TRUE(
        shows({"[S] seq 0 len 0", "[S.] seq 0 len 0", "[.] seq 1 len 0", "[.] seq 1 len 1448",
               "[.] seq 1449 len 1448", "[.] seq 2897 len 1448", "[P.] seq 4345 len 656"}));
}

/// How many processes have this in their environment.
long processes_with(const std::string& variable)
{
    long count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        if (std::isdigit(static_cast<unsigned char>(entry.path().filename().string()[0])) == 0) {
            continue;
        }
        std::ifstream file(entry.path() / "environ");
        std::string environment;
        std::getline(file, environment, static_cast<char>(-1)); // all of it
        count += environment.find(variable) != std::string::npos ? 1 : 0;
    }
    return count;
}

TEST_F(Wire, LeavesNothingBehindWhenItIsInterrupted)
{
    for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
        const Folder folder;
        const std::string mark = "WIRE_TEST=" + folder.path;
        Program wire("env " + mark + " lessons/wire/wire --pcap " + folder.path +
                     "/a.pcap --scene " + odd_server("silent"));
        constexpr long all = 3; // the wire, and two players
        const bool plays = wire.until([&] { return processes_with(mark) >= all; }, patience);
        if (is_forbidden(wire)) {
            return;
        }
        ASSERT_TRUE(plays) << "the server and the client";
        wire.signal(signal);
        EXPECT_TRUE(ends(wire, 128 + signal));
        EXPECT_TRUE(eventually([&] { return processes_with(mark) == 0; }));
        EXPECT_FALSE(folder.has("a.pcap") || folder.has("a.pcap.part"));
    }
}

TEST_F(Wire, SaysWhereAFileCannotBeWritten)
{
    Program wire("lessons/wire/wire --scene refused --svg /no/such/folder/a.svg");
    EXPECT_TRUE(ends(wire, 1));
    if (is_forbidden(wire)) {
        return;
    }
    EXPECT_EQ(wire.err(), "write /no/such/folder/a.svg: No such file or directory.\n");
}

TEST_F(Wire, SaysInASentenceWhatDoesNotStart)
{
    for (const std::string command :
         {"--server no-such-command", "--server false", "--client 'python3 /no/such/file.py'",
          "--server ./no-such-file", "--client true"}) {
        Program wire("lessons/wire/wire " + command);
        EXPECT_TRUE(ends(wire, 1));
        if (is_forbidden(wire)) {
            return;
        }
        EXPECT_TRUE(fails(wire, 1, {"ended, with status"}));
        EXPECT_EQ(wire.out(), "");
    }
}

TEST_F(Wire, WaitsForEnterBeforeEachRow)
{
    Program wire("script -qec 'lessons/wire/wire --scene refused --step' /dev/null", "\n\nq");
    const int status = wire.status();
    page_ = wire.out();
    if (count("does not allow a network") > 0) {
        GTEST_SKIP() << page_;
    }
    EXPECT_EQ(status, 0) << page_;
    EXPECT_TRUE(shows({"Enter shows the next row", "ms ./client", "socket(", "connect("}));
    EXPECT_EQ(count("SYN seq=0"), 0) << "It was to end before that row:\n" << page_;
}

TEST(WireCommandLine, RefusesWhatItDoesNotKnowAndSaysWhyAProgramHasNoPlaceInAScene)
{
    for (const std::string arguments :
         {"--scene full --server x", "--scene refused --server x", "--scene joined --client x",
          "--scene joined --server x --client x", "--scene udp --server x", "--scene arp --handout",
          "--step", "--scene nothing", "--colour", "session"}) {
        EXPECT_TRUE(refuses("lessons/wire/wire " + arguments, {}));
    }
}

TEST(WireCommandLine, SaysThatNetworksOfOnesOwnAreNotAllowed)
{
    NEEDS(!lacking.empty() && access("/proc/self", F_OK) == 0);
    Program wire(lacking + " networks " + own("lessons/wire/wire"));
    EXPECT_TRUE(fails(wire, 1, {"sudo"}));
    EXPECT_EQ(wire.out(), "");
}

} // namespace
