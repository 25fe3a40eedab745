// What stands behind a compiler's errors, where students who come from Python meet it.
#include "diagnosis.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>

namespace lab
{
namespace
{

/// An error, as g++ 11 to 16 and clang 14 to 23 say it, and what makes it.
struct Known {
    std::string pattern; ///< of a line: the error, or the line of the program below it
    std::string meaning;
    std::string also{}; ///< a pattern of another line
};

const std::string quotes =
    "A text stands between double quotes in C++, with nothing before them: \"exit\". Single quotes "
    "are for one character, and there is no b\"...\" and no f\"...\".";

const std::string socket_call =
    "socket() is the system call, and returns a number. A Socket is made so: Socket s(family, "
    "type); it has bind, connect, send and recv.";

/// What comes first in a compiler's output is not always the cause; these are looked for in this
/// order.
const std::vector<Known>& known()
{
    static const std::vector<Known> all = {
        {R"(multi-character character constant|character constant too long|)"
         R"(^(?!.*: (error|note|warning): )[^"]*(==|!=|[({,]) *'[^'\\]{2,}')",
         quotes},
        {R"('[bf]' was not declared|undeclared identifier '[bf]')", quotes, R"(\b[bf]["'])"},
        {R"(^[\s\d|]*for *\(? *(auto )?\w+ +in\b|^[\s\d|]*for *\(.*: *\[)",
         "C++ has no for ... in: for (auto x : {1, 2, 3}) goes through values, with parentheses "
         "around it all, and braces around a list."},
        {R"(expected 'catch' before|error: expected catch|before 'catch'|)"
         R"(error: expected '\}'|extraneous closing brace|)"
         R"(expected (unqualified-id|declaration) before '\}'|)"
         R"(unqualified-id before '(while|for|if|try|return)')",
         "The braces do not match: above that line a } is missing, or there is one too many."},
        {R"(error: expected '\(' (before|after)|\b(if|while) *\(.*\) *: *$|\belse *: *$)",
         "The condition of if and while stands in parentheses in C++, and what belongs to it in "
         "braces, without a colon: while (n > 0) { ... }."},
        {R"(from 'Socket ?\*' to|'Socket ?\*')",
         "new makes a pointer in C++. Without it the object itself is made: Socket s(family, "
         "type);",
         R"(\bnew\b)"},
        {R"(basic_string_view\(const (int|double|long)|)"
         R"(const (int|double|long) ?&?' to .*string_view|Parts = [{<].*\b(int|double))",
         "print and log take texts: std::to_string makes one of a number."},
        {R"(operator%'|invalid operands to binary expression \('const char ?\[)",
         "% does not fill in a text in C++: + joins texts (\"a \" + name), and print takes its "
         "parts one after the other.",
         R"(" ?% ?\(?\w)"},
        {R"(\baddr\[[01]\]|no member named '(first|second)')",
         "addr is one text already, the address and, behind a colon, the port."},
        {R"('const char ?(\*|\[\d+\])' and 'const char ?\[\d+\]')",
         "Two texts in quotes cannot be joined with +: one of the two has to be a std::string."},
        {R"(no member named '(decode|encode)')",
         "A std::string holds bytes, as send takes them and recv returns them: there is nothing to "
         "encode or to decode."},
        {R"(std::thread' has no member named 'start'|'start' in 'std::thread')",
         "A std::thread runs as soon as it is made: it has no start()."},
        {R"('(target|args)' was not declared|(unknown type name|identifier) '(target|args)')",
         "C++ has no target= and args=: a std::thread is given the function, and behind it the "
         "function's arguments."},
        {R"(error: .*(from 'std::pair<Socket|has no initializer|requires an initializer))",
         "accept returns two values, the socket and the address: auto [a, b] = f(); takes two.",
         R"(accept\()"},
        {R"(error: .*(from 'int' to ('Socket'|non-scalar type 'Socket')|)"
         R"(in 'socket', which is|)"
         R"('(connect|bind|listen|accept|send|recv)' in '\w+', which is of non-class type 'int'))",
         socket_call},
        {R"(error: member reference base type 'int)", socket_call,
         R"(\.(socket|connect|bind|listen|accept|send|recv)\()"},
        {R"(error: .*(in 'time', which is|'time_t \(time_t|)"
         R"(cannot convert '(Seconds|std::chrono)|call to 'u?sleep|)"
         R"(duration<long int>::duration\(Seconds|cast from 'Seconds'))",
         "The pause is std::this_thread::sleep_for(delay): delay is a time already, and not a "
         "number."},
        {R"(passing 'const Socket' as 'this'|)"
         R"(to member function '\w+' has type '.*const Socket|\{const Socket|)"
         R"(\), const Socket,)",
         "This Socket is const, and can be neither used nor handed over: leave const out. (What a "
         "lambda keeps is const, unless the lambda is mutable.)"},
        {R"(is not captured|cannot be implicitly captured|reference to local binding|)"
         R"(in capture list does not name)",
         "A lambda has, of the variables around it, only what stands between its [ ]: [sock = "
         "std::move(sock), addr = addr, delay]() mutable { ... }. By reference, [&], they are gone "
         "when the thread looks."},
        {R"(error: .*(invalid use of void expression|from 'void' to 'std::thread'))",
         "The function is called there, before there is a thread: a std::thread is given its name, "
         "and behind a comma its arguments."},
        {R"(error: expected (',' or )?';')",
         "A statement ends with a semicolon: one is missing where the compiler points."},
        {R"(invalid preprocessing directive|""")",
         "In C++ a comment begins with two slashes; # is for #include and its like."},
        {R"(error: .*('operator!'.*string|string.*to unary expression|'operator(\|\||&&)'|)"
         R"(string.*to 'bool'))",
         "A std::string is not true or false: data.empty() tells whether there is nothing in it. "
         "And == compares, where = assigns."},
        {R"('import'|module '\w+' not found)",
         "C++ has no import: #include \"common.hpp\" brings what is needed here."},
        {R"(error: .*(call to 'strcmp'|'const std::string'.* to 'const char))",
         "strcmp is for the texts of C: a std::string is compared with ==.", "strcmp"},
        {R"('class Socket' has no member|no member named '\w+' in 'Socket')",
         "A Socket has no such function. Those that it has are in common/socket.hpp: bind, listen, "
         "accept, connect, send, recv, close."},
        {R"('const Address|call to 'Socket::\w+\(|)"
         R"(to function call, (expected )?single argument '(size|data|address)')",
         "That function of a Socket takes other arguments: recv(1024) returns what came, "
         "send(text) takes a text, bind and connect take an Address. They are in "
         "common/socket.hpp."},
        {R"('(Socket|Seconds|Address|print)' (was not declared|has not been declared|)"
         R"(does not name)|unknown type name '(Socket|Seconds|Address)')",
         "That stands in common.hpp: #include \"common.hpp\" comes first."},
        {R"(did you mean 'std::(string|thread|vector|move|to_string|cout)|)"
         R"('(string|thread|vector)' (was not declared|does not name)|)"
         R"(unknown type name '(string|thread|vector)')",
         "It is the standard library's, and its name begins with std:: (std::string, "
         "std::thread)."},
        {R"(error: .*('\w+' was not declared|undeclared identifier '\w|)"
         R"(' does not name a type|unknown type name))",
         "That name is not known there. A variable is made with its type (auto x = ...;), and a "
         "function stands above the line that calls it, or is declared there."},
        {R"(undefined reference to `main)", "There is no main."},
        {R"(undefined reference to `)",
         "A function is declared and called, but not defined: its definition has another name, or "
         "takes other arguments."},
        {R"(error: .*(arguments must be invocable|attempt to use a deleted function|)"
         R"(due to requirement '__is_invocable))",
         "The function that this std::thread runs takes other arguments than those that stand "
         "behind it: tcplink takes sock, addr and delay, in this order, and none of them by a "
         "plain reference (Socket&), since a thread has its own."},
        {R"(error: .*(thread::thread\(const std::thread&\)|)"
         R"(no matching function for call to 'construct_at))",
         "A std::thread cannot be copied: hand it over with std::move(t), or make it where it is "
         "kept (emplace_back).",
         "std::thread"},
        {R"(error: .*(deleted.*Socket|tuple<.*Socket|could not convert '\{std::forward.*Socket))",
         "A Socket has one owner and cannot be copied: hand it over with std::move(sock)."},
    };
    return all;
}

/// What Python's words are in C++.
const std::map<std::string, std::string>& python()
{
    static const std::map<std::string, std::string> all = {
        {"True", "true"},    {"False", "false"}, {"None", "empty()"},
        {"elif", "else if"}, {"pass", "{ }"},    {"def", "void f(int x) { ... }"},
        {"len", "size()"},
    };
    return all;
}

/// A full-width character: g++ writes it as \U0000ff0c or, since 15, as it is; clang as <U+FF0C>.
bool has_full_width(const std::string& line)
{
    static const std::regex written(
        R"(\\U0000ff|\\U0000201|\\U0000300[12]|<U\+(FF|201|300)|\\357|\\342)");
    return std::regex_search(line, written) || without_full_width(line) != line;
}

} // namespace

std::string diagnose_compiler(const std::string& said)
{
    std::vector<std::string> lines;
    std::istringstream text(said);
    constexpr std::size_t enough = 200; // what comes later is a consequence
    for (std::string line; lines.size() < enough && std::getline(text, line);) {
        lines.push_back(line.substr(0, 1200)); // of templates, some are very long
    }
    const auto any = [&](const auto& holds) {
        return std::any_of(lines.begin(), lines.end(), holds);
    };
    const auto is_error = [](const std::string& line) {
        return contains(line, "error: ") || contains(line, "undefined reference to ");
    };
    if (!any(is_error)) {
        return "";
    }
    if (any([&](const std::string& line) { return is_error(line) && has_full_width(line); })) {
        return "A full-width character stands there, as a Chinese keyboard types it: such as "
               "，！；（）“” for ,!;()\"\". It may stand in comments and between quotes; "
               "elsewhere type it again with the keyboard switched to English.";
    }
    const std::regex unknown(
        R"(error: (use of undeclared identifier |unknown type name )?'(\w+)')");
    for (const std::string& line : lines) {
        std::smatch found;
        if (std::regex_search(line, found, unknown) && python().contains(found[2])) {
            return fill("{python} is Python. C++ writes {instead}.",
                        {{"python", found[2]}, {"instead", python().at(found[2])}});
        }
    }
    for (const Known& each : known()) {
        const auto has = [&](const std::string& pattern) {
            const std::regex sought(pattern);
            return any([&](const std::string& line) { return std::regex_search(line, sought); });
        };
        if (has(each.pattern) && has(each.also)) {
            return each.meaning;
        }
    }
    return "";
}

} // namespace lab
