#include "texts.hpp"

namespace lab
{

static const Texts notebooks = {{"waiting", "Waiting for connection..."},
                                {"welcome", "Welcome!"},
                                {"greeting before", "Hello, "},
                                {"greeting after", "!"},
                                {"name before", ""},
                                {"name after", ""},
                                {"accepted before", "Accept new connection from "},
                                {"accepted after", "..."},
                                {"closed before", "Connection from "},
                                {"closed after", " closed."}};

Texts& texts()
{
    static Texts all = notebooks;
    return all;
}

bool are_the_notebooks() { return texts() == notebooks; }

static std::string around(const std::string& what, const std::string& inside)
{
    return texts()[what + " before"] + inside + texts()[what + " after"];
}

bool is_found(const std::string& what) { return texts().contains(what); }
std::string welcome_text() { return texts()["welcome"]; }
std::string greeting_of(const std::string& name) { return around("greeting", name); }
std::string message_of(const std::string& name) { return around("name", name); }
std::string accepted(const std::string& address) { return around("accepted", address); }
std::string closed(const std::string& address) { return around("closed", address); }

} // namespace lab
