// The notebook as the oracle: its server and client, in Python, hold the same conversations as
// ours, and the bytes that come back agree. Where the lab does better on purpose, a case of its own
// says so.
#include "lab.hpp"

#include <optional>
#include <random>
#include <thread>

using namespace lab;

namespace
{

/// What both servers think, in seconds; while they do, several sends become one message.
constexpr double delay = 0.06;

/// The notebook's server on a free port, which it says on standard error.
struct Notebook {
    explicit Notebook(const std::string& think)
        : program("python3 tests/lab/notebook_server.py 0 " + think)
    {
        EXPECT_TRUE(reports(program, ". Ctrl-C")) << program.err();
        EXPECT_TRUE(prints(program, "Waiting for connection...\n"));
        const std::string said = program.err();
        port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    }
    Program program;
    int port = 0;
};

/// What a client does: each message goes out in these pieces, in one go while the server thinks
/// about another one.
struct Script {
    std::vector<std::vector<std::string>> messages;
    bool half_closes = false; ///< instead of saying exit
};

/// A text in UTF-8 of `size` bytes.
std::string random_text(std::mt19937& random, std::size_t size)
{
    static const std::vector<std::string> characters = {
        "a", "Z", " ", "%", "\n", "é", "王", "😀", std::string(1, '\0')};
    std::string text;
    while (text.size() < size) {
        const std::string& next = characters[random() % characters.size()];
        text += text.size() + next.size() <= size ? next : "x";
    }
    return text;
}

Script random_script(std::mt19937& random)
{
    static const std::vector<std::string> near_exit = {"exit!", "exi",    "Exit",
                                                       " exit", "exit\n", "exitexit"};
    Script script;
    for (std::size_t left = 1 + random() % 3; left > 0; --left) {
        const std::size_t size = random() % 4 == 0 ? 1 + random() % 1024 : 1 + random() % 20;
        const std::string text =
            random() % 4 == 0 ? near_exit[random() % near_exit.size()] : random_text(random, size);
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t length = 1 + random() % text.size();
            pieces.push_back(text.substr(at, length));
            at += length;
        }
        script.messages.push_back(pieces);
    }
    script.half_closes = random() % 3 == 0;
    return script;
}

/// Plays the script and returns all that came back, up to the end of the connection. Nothing if the
/// machine was too busy to keep two messages apart, or the pieces of one together.
std::optional<std::string> play_in_time(const Script& script, int port)
{
    Peer client = Peer::to(port);
    std::string came = client.receive(8);
    for (const auto& pieces : script.messages) {
        const auto begin = Clock::now();
        client.say("Yam");
        std::this_thread::sleep_for(Seconds(delay / 4)); // the server now thinks about it
        std::size_t size = 0;
        for (const std::string& piece : pieces) {
            client.say(piece);
            size += piece.size();
        }
        const bool in_time = Seconds(Clock::now() - begin).count() < delay;
        const std::string first = client.receive(11);
        if (!in_time || first != "Hello, Yam!") {
            return {};
        }
        came += first + client.receive(size + 8);
    }
    if (script.half_closes) {
        client.half_close();
    } else {
        client.say("exit");
    }
    return came + client.receive(100);
}

std::string play(const Script& script, int port)
{
    std::optional<std::string> came;
    eventually([&] { return (came = play_in_time(script, port)).has_value(); }, 3 * patience);
    return came.value_or("nothing in time: this machine is too busy");
}

TEST(Oracle, GivesTheSameBytesInRandomConversations)
{
    const unsigned seed = std::random_device()();
    const Notebook notebook(std::to_string(delay));
    const Server ours(std::to_string(delay));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 11; ++i) {
        threads.emplace_back([&, i] {
            std::mt19937 random(seed + i);
            for (int round = 0; round < 3; ++round) {
                const Script script = random_script(random);
                const std::string expected = play(script, notebook.port);
                EXPECT_EQ(play(script, ours.port()), expected)
                    << "seed " << seed << ", thread " << i << ", round " << round;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

// ---- Where the lab does better ------------------------------------------------------------------

TEST(Oracle, DiesWhereOursAnswersOrReportsTheEnd)
{
    const std::string split = std::string(1023, 'x') + "é"; // 1025 bytes: é is cut in two
    for (const auto& [name, answer] :
         {std::pair{std::string("\xff"), std::string("Hello, \xff!")},
          {split, "Hello, " + split.substr(0, 1024) + "!Hello, \xa9!"}}) {
        const Notebook notebook("0");
        const Server ours;
        Peer with_notebook = Peer::to(notebook.port);
        Peer with_ours = welcomed(ours);
        EXPECT_TRUE(with_notebook.hears("Welcome!", "step 4"));
        with_notebook.say(name);
        with_ours.say(name);
        EXPECT_EQ(with_ours.receive(answer.size()), answer);
        EXPECT_TRUE(reports(notebook.program, "UnicodeDecodeError"));
        EXPECT_EQ(with_notebook.receive(1, Seconds(0.3)), "");
        with_notebook.reset();
        with_ours.reset();
        EXPECT_TRUE(prints(ours, " closed.\n"));
        EXPECT_EQ(notebook.program.out().find(" closed.\n"), std::string::npos);
    }
}

} // namespace
