// What is said about wrong bytes: each kind has an example here, and what is not known gets no
// advice at all.
#include "../checks/diagnosis.hpp"

#include <gtest/gtest.h>

#include <tuple>

using namespace lab;

namespace
{

/// Success if `words` stand in the diagnosis of this answer to "Yam", which came after "Sarah".
testing::AssertionResult says(const std::string& received, const std::string& words,
                              const std::string& expected = "Hello, Yam!",
                              const std::vector<std::string>& sent = {"Sarah", "Yam"})
{
    const std::string said = diagnose({sent, expected, received, {"May"}, {"exit"}});
    const bool right = words.empty() ? said.empty() : said.find(words) != std::string::npos;
    return right ? testing::AssertionSuccess()
                 : testing::AssertionFailure() << "of \"" << received << "\" is said: " << said;
}

TEST(Diagnosis, NamesWhatStandsBehindAnAnswer)
{
    EXPECT_TRUE(says("Hello, Yam!\n", "newline behind the greeting"));
    EXPECT_TRUE(says("Hello, Yam!\r\n", "carriage return"));
    EXPECT_TRUE(says(std::string("Hello, Yam!\0", 12), "zero byte behind"));
    EXPECT_TRUE(says("Hello, Yam!" + std::string(1013, '\0'), "1013 zero bytes"));
    EXPECT_TRUE(says("Hello, Yam!Hello, Yam!", "more than once"));
    EXPECT_TRUE(says("Hello, Yam!h!", "earlier message"));
    EXPECT_TRUE(says("Welcome!Welcome!", "second thread", "Welcome!", {}));
    EXPECT_TRUE(says("Welcome!Hello, !", "has said nothing", "Welcome!", {}));
    EXPECT_TRUE(says("Yamexit", "came at once", "Yam", {}));
    EXPECT_TRUE(says(std::string("Yam\0May\0", 8), "size of a pointer", "Yam", {}));
    EXPECT_TRUE(says("Yamx", "more bytes are sent", "Yam", {}));
}

TEST(Diagnosis, NamesWhatIsWrongWithTheNameInAGreeting)
{
    EXPECT_TRUE(says("Hello, b'Yam'!", "decode"));
    EXPECT_TRUE(says("Hello, 'Yam'!", "quotes"));
    EXPECT_TRUE(says("Hello, Yamah!", "earlier message, \"Sarah\""));
    EXPECT_TRUE(says("Hello, SarahYam!", "pile up"));
    EXPECT_TRUE(says("Hello, Sarah!", "earlier message"));
    EXPECT_TRUE(says("Hello, May!", "another client"));
    EXPECT_TRUE(says("Hello, " + ("Yam" + std::string(1021, '\0')) + "!", "whole buffer"));
    EXPECT_TRUE(says("Hello, Ya!", "last byte of the name is cut off"));
    EXPECT_TRUE(says("Hello, Sa!", "first 2 of", "Hello, Sarah!", {"Sarah"}));
    EXPECT_TRUE(says("Hello, YAM!", "capital"));
    EXPECT_TRUE(says("Hello, {data}!", "place-holder"));
    EXPECT_TRUE(says("Hello, ${name}!", "place-holder"));
    EXPECT_TRUE(says("Hello, %s!", "place-holder"));
    EXPECT_TRUE(says("Hello, 3!", "number of bytes"));
    EXPECT_TRUE(says("Hello, [B@1b2c3d!", "shows an object"));
    EXPECT_TRUE(says("Hello, !", "name is missing"));
    EXPECT_TRUE(says("Hello, Hel!", "overwrites it"));
    EXPECT_TRUE(says("Hello, Y!", "result of the comparison"));
    EXPECT_TRUE(says("Hello, 7 x!", "used as a format", "Hello, %d x!", {"%d x"}));
    EXPECT_TRUE(says("Hello, a\\\\b!", "backslashes", "Hello, a\\b!", {"a\\b"}));
    EXPECT_TRUE(says("Hello, a!", "first zero byte", std::string("Hello, a\0b!", 11),
                     {std::string("a\0b", 3)}));
    EXPECT_TRUE(says("Hello, Al!", "first blank", "Hello, Al Bo!", {"Al Bo"}));
    EXPECT_TRUE(says("Hello, \xc3\x83\xc2\xa9!", "Latin-1", "Hello, \xc3\xa9!", {"\xc3\xa9"}));
    EXPECT_TRUE(says("Hello, ?!", "replacement", "Hello, \xc3\xa9!", {"\xc3\xa9"}));
    const std::string name(1024, 'x');
    EXPECT_TRUE(says("Hello, " + name.substr(0, 1023) + "!Hello, x!", "1023",
                     "Hello, " + name + "!", {name}));
}

TEST(Diagnosis, NamesWhatIsWrongWithAWholeAnswer)
{
    EXPECT_TRUE(says("Hello, Yam", "exclamation mark"));
    EXPECT_TRUE(says("Hello, Y", "size of a pointer"));
    EXPECT_TRUE(says("Hel", "Only the first 3 of 11"));
    EXPECT_TRUE(says("Yam", "echo"));
    EXPECT_TRUE(says("Hello,Yam!", "blank, a comma"));
    EXPECT_TRUE(says("HELLO, YAM!", "Capital"));
    EXPECT_TRUE(says("b'Hello, Yam!'", "b'"));
    const std::string name(1024, 'x');
    EXPECT_TRUE(says("Hello, " + name.substr(0, 248) + "!" + name.substr(0, 776),
                     "The first 255 bytes", "Hello, " + name + "!", {name}));
    EXPECT_TRUE(says("Welcome!Hello, Yam!", "welcome came with the answer"));
    EXPECT_TRUE(says(std::string("\0\x0bHello, Yam!", 13), "length"));
    EXPECT_TRUE(says("Accept new connection from 127.0.0.1:1...", "screen"));
    EXPECT_TRUE(says("exit", "left out", "Yam", {}));
    EXPECT_TRUE(says("Hello，Yam！", "full-width"));
    EXPECT_TRUE(says("S", "letters of one text", "Sarah", {}));
    EXPECT_TRUE(says("Hello, 王小\xe6\x98", "as many as the text has characters",
                     "Hello, 王小明 é ü!", {"王小明 é ü"}));
}

TEST(Diagnosis, SaysWhatShouldHaveComeWhereTheTextIsAnother)
{
    EXPECT_TRUE(says("Nice to meet you, Yam.", "stands around the name"));
    EXPECT_TRUE(says("Welcome to my server", "another text", "Welcome!", {}));
    EXPECT_NE(diagnose({{}, "Yam", "Bob", {}, {"May", "exit"}}).find("Yam, May and Sarah"),
              std::string::npos);
    EXPECT_NE(diagnose({{}, "Yam", "name=Yam", {}, {"May", "exit"}}).find("the name alone"),
              std::string::npos);
}

TEST(Diagnosis, NamesWhatAComparisonWithExitDoes)
{
    const auto says_of = [](const std::vector<std::string>& closed, const std::string& words) {
        return diagnose_exit(closed).find(words) != std::string::npos;
    };
    EXPECT_TRUE(says_of({"exits", "my exit"}, "anywhere"));
    EXPECT_TRUE(says_of({"exits"}, "only begins with exit"));
    EXPECT_TRUE(says_of({"my exit"}, "only ends with exit"));
    EXPECT_TRUE(says_of({"ex"}, "beginning of exit"));
    EXPECT_TRUE(says_of({"EXIT"}, "Capital letters"));
    EXPECT_TRUE(says_of({"exit\n"}, "stripped"));
}

TEST(Diagnosis, NamesWhatStandsBehindACompilersErrors)
{
    const auto says_of = [](const std::string& said, const std::string& words) {
        return diagnose_compiler(said).find(words) != std::string::npos;
    };
    const std::string copied = "A Socket has one owner";
    EXPECT_TRUE(says_of("s.cpp:26:16: error: use of deleted function 'constexpr "
                        "Socket::Socket(const Socket&)'",
                        copied)); // g++
    EXPECT_TRUE(says_of("/usr/include/c++/12/bits/std_thread.h:206:13: error: could not convert "
                        "'{std::forward<void (&)(Socket)>((* & __args#0)), std::forward<Socket&>",
                        copied)); // g++ 11 and 12
    EXPECT_TRUE(says_of("/usr/include/c++/15/bits/std_thread.h:288:13: error: no matching function "
                        "for call to 'std::tuple<void (*)(Socket, const std::__cxx11::basic_string",
                        copied)); // g++ 13 to 16
    EXPECT_TRUE(
        says_of("s.cpp:26:17: error: call to implicitly-deleted copy constructor of 'Socket'",
                copied)); // clang
    EXPECT_TRUE(
        says_of("thread.h:210:27: error: no matching constructor for initialization of '_Gp' "
                "(aka 'tuple<unique_ptr<__thread_struct>, void (*)(Socket, const",
                copied)); // clang with libc++
    EXPECT_TRUE(
        says_of("std_thread.h:166:72: error: static assertion failed: std::thread arguments "
                "must be invocable after conversion to rvalues",
                "takes other arguments"));
    EXPECT_TRUE(says_of("stl_construct.h:96:17: error: use of deleted function "
                        "'std::thread::thread(const std::thread&)'",
                        "A std::thread cannot be copied"));
    EXPECT_TRUE(says_of("s.cpp:26:21: error: 'tcplink\\U0000ff0c' was not declared in this scope",
                        "full-width")); // g++
    EXPECT_TRUE(says_of("s.cpp:26:28: error: character <U+FF0C> not allowed in an identifier",
                        "full-width")); // clang
    EXPECT_TRUE(
        says_of("s.cpp:26:58: error: no matching constructor for initialization\n"
                "s.cpp:26:9: note: thread<void (&)(Socket, int), const Socket, const int &>",
                "This Socket is const")); // clang
    EXPECT_TRUE(says_of("s.cpp:9:37: error: invalid operands to binary expression\n"
                        "    if (msg == 'exit') break;",
                        "double quotes")); // clang
    EXPECT_TRUE(says_of("s.cpp:9:9: error: 'name' was not declared in this scope\n"
                        "    9 |     for (name in names) {",
                        "no for ... in"));
    EXPECT_TRUE(says_of("s.cpp:9:7: error: 'len' was not declared in this scope", "size()"));
    EXPECT_TRUE(says_of("s.cpp:9:18: error: expected ';' before 'print'", "semicolon"));
    EXPECT_TRUE(says_of("s.cpp:7:5: error: expected '(' before '}' token\n"
                        "s.cpp:9:6: error: expected 'catch' before 'serve'",
                        "braces do not match"));
    EXPECT_TRUE(says_of("s.cpp:(.text+0x23a): undefined reference to `tcplink(Socket)'",
                        "but not defined"));
    EXPECT_EQ(diagnose_compiler("s.cpp:3:1: error: expected ')' before ';' token"), "");
    EXPECT_EQ(diagnose_compiler("s.cpp:3:1: error: 'class Address' has no member named 'len'"), "");
    EXPECT_EQ(diagnose_compiler("s.cpp:3:1: error: declaration of 'auto x' has no initializer"),
              "");
    EXPECT_EQ(diagnose_compiler("s.cpp:3:1: error: base operand of '->' has non-pointer type"), "");
    EXPECT_EQ(diagnose_compiler("s.cpp:3:1: warning: unused variable 'Socket'"), "");
}

TEST(Diagnosis, SaysNothingAboutWhatItDoesNotKnow)
{
    EXPECT_TRUE(says("Hello, Yam!", ""));
    EXPECT_TRUE(says("", ""));
    EXPECT_TRUE(says("Good morning", ""));
    EXPECT_TRUE(says("Hello, Zoe!", ""));
    EXPECT_EQ(diagnose_port(9999, 4711), "");
}

TEST(Diagnosis, KnowsPortsThatAreSwapped)
{
    EXPECT_NE(diagnose_port(9999, 3879).find("htons"), std::string::npos);
    EXPECT_NE(diagnose_port(40000, 9999).find("command line"), std::string::npos);
}

TEST(Diagnosis, TellsWhichLineIsNotTheNotebooks)
{
    const std::vector<std::string> lines = {"Welcome!", "Hello, Yam!"};
    for (const auto& [printed, words] : std::vector<std::tuple<std::string, std::string>>{
             {"Welcome!Hello, Yam!", "not apart"},
             {"Welcome!\n", "\"Hello, Yam!\" is missing"},
             {"Welcome!\n\nHello, Yam!\n", "empty line"},
             {"b'Welcome!'\nb'Hello, Yam!'\n", "b'"},
             {"Welcome!\nHello, Yam!\nDone\n", "\"Done\" is printed besides"},
             {"Connected\nWelcome!\nHello, Yam!\n", "\"Connected\" is printed besides"},
             {"Got: Welcome!\nGot: Hello, Yam!\n", "\"Got: \" is printed before"},
             {"Welcome! (8)\nHello, Yam! (8)\n", "\" (8)\" is printed behind each line"},
             {"Welcome!\nHello, Yam!", "no newline"}}) {
        EXPECT_NE(diagnose_lines(lines, printed).find(words), std::string::npos)
            << diagnose_lines(lines, printed);
    }
    EXPECT_EQ(diagnose_lines(lines, "Welcome!\nHello, Yam!\n"), "");
}

} // namespace
