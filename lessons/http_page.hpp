// http_page.hpp: what http_get needs to understand a web server's answer, and
// to save it whole. It is not in the notebook, which takes all that comes
// behind the blank line for the page.
#pragma once

#include "../common.hpp"

#include <climits>

#include <fcntl.h>
#include <sys/stat.h>

/// What a web server answered: views of the bytes that were received.
struct Page {
    std::string_view header;
    std::vector<std::string_view>
        pieces; ///< of the body, in order: one, or as many as there are chunks
};

inline std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

inline std::string_view trim(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    text.remove_suffix(text.size() - (text.find_last_not_of(" \t") + 1));
    return text;
}

/// The value of a header field, its letters made small; empty if there is none.
/// The names know no case.
inline std::string field(std::string_view header, std::string_view name)
{
    while (!header.empty()) {
        const std::size_t end = std::min(header.find("\r\n"), header.size());
        const std::string_view line = header.substr(0, end);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos &&
            lower(line.substr(0, colon)) == name) {
            return lower(trim(line.substr(colon + 1)));
        }
        header.remove_prefix(std::min(end + 2, header.size()));
    }
    return "";
}

/// Reads a whole number that is all of `digits`. False if it is none, or too
/// large.
inline bool read_number(std::string_view digits, int base, std::size_t& number)
{
    const auto [stop, error] = std::from_chars(
        digits.data(), digits.data() + digits.size(), number, base);
    return error == std::errc() && stop == digits.data() + digits.size();
}

[[noreturn]] inline void cut_short(const std::string& what)
{
    throw std::runtime_error("The page was cut short: " + what +
                             ". Nothing was saved; try again.");
}

/// The data of a body that comes in chunks: each has its size, in hexadecimal,
/// on a line before it, and is followed by a line's end; one of size 0 is the
/// last. RFC 9112, section 7.1
inline std::vector<std::string_view> join_chunks(std::string_view body)
{
    std::vector<std::string_view> chunks;
    for (;;) {
        const std::size_t end = body.find("\r\n");
        if (end == std::string_view::npos) {
            cut_short("the connection ended before the last chunk");
        }
        const std::string_view line = body.substr(0, end);
        std::size_t size = 0;
        if (!read_number(trim(line.substr(0, line.find(';'))), 16, size)) {
            throw std::runtime_error(
                "The server sent a malformed page: \"" +
                visible(line.substr(0, 40)) +
                "\" instead of the size of a chunk. Nothing was saved.");
        }
        body.remove_prefix(end + 2);
        if (size == 0) {
            return chunks; // lines about the page may follow
        }
        if (size > body.size()) {
            cut_short(std::to_string(size - body.size()) + " of the " +
                      std::to_string(size) + " bytes of a chunk are missing");
        }
        chunks.push_back(body.substr(0, size));
        body.remove_prefix(size);
        if (!body.empty() && !body.starts_with("\r\n") && body != "\r") {
            throw std::runtime_error(
                "The server sent a malformed page: a chunk is longer than its "
                "size. Nothing was saved.");
        }
        body.remove_prefix(std::min<std::size_t>(2, body.size()));
    }
}

/// The body's pieces: what the header says that the body is. Throws
/// std::runtime_error if some of it is missing. RFC 9112, section 6.3
inline std::vector<std::string_view> pieces_of(std::string_view header,
                                               std::string_view body)
{
    if (const std::string coding = field(header, "transfer-encoding");
        coding.ends_with("chunked")) {
        return join_chunks(body);
    }
    if (const std::string length = field(header, "content-length");
        !length.empty()) {
        std::size_t expected = 0;
        if (!read_number(length, 10, expected)) {
            throw std::runtime_error(
                "The server sent a malformed page: \"" + visible(length) +
                "\" is not a Content-Length. Nothing was saved.");
        }
        if (expected > body.size()) {
            cut_short(std::to_string(body.size()) + " of " +
                      std::to_string(expected) + " bytes came, " +
                      std::to_string(expected - body.size()) + " are missing");
        }
        return {body.substr(0, expected)};
    }
    return {body};
}

/// Splits an answer once, at the first blank line. Throws std::runtime_error if
/// it is no web page, or not all of it.
inline Page split(std::string_view data, const std::string& server)
{
    const std::size_t blank_line = data.find("\r\n\r\n");
    if (!data.starts_with("HTTP/1.") || blank_line == std::string_view::npos) {
        throw std::runtime_error(server +
                                 " closed the connection before the header of "
                                 "a web page was complete; it " +
                                 "began with \"" + visible(data.substr(0, 60)) +
                                 "\". Is it a web server?");
    }
    const std::string_view header = data.substr(0, blank_line);
    return {header, pieces_of(header, data.substr(blank_line + 4))};
}

/// The header as it may be shown: line by line, control characters made
/// visible.
inline std::string printable(std::string_view header)
{
    std::string lines;
    for (std::size_t end = 0;
         (end = header.find("\r\n")) != std::string_view::npos;) {
        lines += visible(header.substr(0, end)) + "\n";
        header.remove_prefix(end + 2);
    }
    return lines + visible(header);
}

inline void write_all(int file, const std::string& path,
                      const std::vector<std::string_view>& pieces)
{
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            const ssize_t written = write(file, piece.data(), piece.size());
            if (written == -1 && errno != EINTR) {
                throw_errno("write " + path);
            }
            piece.remove_prefix(written > 0 ? static_cast<std::size_t>(written)
                                            : 0);
        }
    }
}

/// Saves the pieces as the file `path`: all of them or none. They are written
/// to a new file beside it, which takes its name in the end, so that a full
/// disk harms nothing. What is no regular file, such as /dev/null, is written
/// to.
inline void save(const std::string& path,
                 const std::vector<std::string_view>& pieces)
{
    struct stat status = {};
    if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        const int file = open(path.c_str(), O_WRONLY);
        if (file == -1) {
            throw_errno("open " + path);
        }
        write_all(file, path, pieces);
        close(file);
        return;
    }
    char resolved[PATH_MAX];
    const std::string target = realpath(path.c_str(), resolved) != nullptr
                                   ? resolved
                                   : path; // not the link to it
    std::string temporary = target + ".XXXXXX";
    sigset_t all;
    sigfillset(&all);
    // Until the program ends: Ctrl-C has to wait for this.
    sigprocmask(SIG_BLOCK, &all, nullptr);
    const int file = mkstemp(temporary.data());
    if (file == -1) {
        throw_errno("create " + temporary);
    }
    try {
        const mode_t mask = umask(0);
        umask(mask);
        write_all(file, path, pieces);
        if (fchmod(file, status.st_mode != 0 ? status.st_mode & 07777
                                             : 0666 & ~mask) == -1 ||
            close(file) == -1 ||
            rename(temporary.c_str(), target.c_str()) == -1) {
            throw_errno("save " + path);
        }
    } catch (...) {
        unlink(temporary.c_str());
        throw;
    }
}
