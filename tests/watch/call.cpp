#include "call.hpp"

#include "text.hpp"

#include <cstring>
#include <map>

#include <sys/socket.h>

namespace lab
{
namespace
{

std::string flags_of(const Call& call)
{
    static const std::map<long, std::string> names = {
        {MSG_PEEK, "MSG_PEEK"},   {MSG_WAITALL, "MSG_WAITALL"}, {MSG_DONTWAIT, "MSG_DONTWAIT"},
        {MSG_TRUNC, "MSG_TRUNC"}, {MSG_MORE, "MSG_MORE"},       {MSG_OOB, "MSG_OOB"}};
    std::string text;
    for (const auto& [bit, name] : names) {
        text += (call.flags & bit) != 0 ? ", " + name : "";
    }
    return text;
}

std::string name_of_option(long option)
{
    static const std::map<long, std::string> names = {
        {1002, "SO_REUSEADDR"}, {1009, "SO_KEEPALIVE"}, {1013, "SO_LINGER"},
        {1018, "SO_RCVLOWAT"},  {1020, "SO_RCVTIMEO"},  {1021, "SO_SNDTIMEO"},
        {6001, "TCP_NODELAY"},  {6003, "TCP_CORK"},     {6009, "TCP_DEFER_ACCEPT"}};
    const auto found = names.find(option);
    return found == names.end() ? "..." : found->second;
}

/// The bytes as they stand in a call, without their number where all of them are shown.
std::string short_quote(const std::string& bytes)
{
    constexpr std::size_t most = 24;
    const std::string text = in_quotes(bytes.substr(0, most));
    return bytes.size() <= most ? text : text + "..., " + std::to_string(bytes.size()) + " bytes";
}

std::string arguments_of(const Call& call)
{
    if (call.kind == "recv") {
        return call.size < 0 ? "" : std::to_string(call.size) + flags_of(call);
    }
    if (call.kind == "send" || call.kind == "print") {
        return (call.data.empty() ? "0 bytes" : short_quote(call.data)) +
               (call.kind == "send" ? flags_of(call) : "");
    }
    if (call.kind == "bind" || call.kind == "connect") {
        return call.address;
    }
    if (call.kind == "option") {
        return name_of_option(call.option);
    }
    if (call.kind == "sleep") {
        return std::to_string(call.pause.count()).substr(0, 5) + " s";
    }
    return call.kind == "listen" || call.kind == "exit" ? std::to_string(call.size) : "";
}

} // namespace

std::string written(const Call& call)
{
    if (call.kind == "signal") {
        return call.name;
    }
    const std::string text = call.name + "(" + arguments_of(call) + ")";
    if (!call.has_returned) {
        return text;
    }
    if (call.result < 0) {
        const char* error = strerrorname_np(static_cast<int>(-call.result));
        return text + " = -1 " + (error != nullptr ? error : "");
    }
    return call.kind != "recv" ? text
                               : text + " = " + (call.result == 0 ? "0" : short_quote(call.data));
}

} // namespace lab
