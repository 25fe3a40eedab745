// What is said about wrong bytes: each kind has an example here, and what is not known gets no
// advice at all.
#include "tests/checks/diagnosis.hpp"

#include <gtest/gtest.h>

using namespace lab;

namespace
{

/// Success if `words` stand in the diagnosis of this answer to "Yam", which came after "Sarah".
testing::AssertionResult says(const std::string& received, const std::string& words,
                              const std::string& expected = "Hello, Yam!",
                              const std::vector<std::string>& sent = {"Sarah", "Yam"})
{
    const std::string said = diagnose({sent, expected, received, {"May"}, {"exit"}}).english();
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
    EXPECT_NE(
        diagnose({{}, "Yam", "Bob", {}, {"May", "exit"}}).english().find("Yam, May and Sarah"),
        std::string::npos);
    EXPECT_NE(
        diagnose({{}, "Yam", "name=Yam", {}, {"May", "exit"}}).english().find("the name alone"),
        std::string::npos);
}

TEST(Diagnosis, SaysNothingAboutWhatItDoesNotKnow)
{
    EXPECT_TRUE(says("Hello, Yam!", ""));
    EXPECT_TRUE(says("", ""));
    EXPECT_TRUE(says("Good morning", ""));
    EXPECT_TRUE(says("Hello, Zoe!", ""));
    for (const std::string error : // explains tries what is known, with each compiler
         {"error: expected ')' before ';' token", "warning: unused variable 'Socket'",
          "error: 'class Address' has no member named 'len'",
          "error: declaration of 'auto x' has no initializer",
          "error: base operand of '->' has non-pointer type"}) {
        EXPECT_EQ(diagnose_compiler("s.cpp:3:1: " + error), "") << error;
    }
}

} // namespace
