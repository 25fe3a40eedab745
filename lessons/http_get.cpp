// http_get.cpp: the notebook's first client. It fetches a page, prints the
// header, and saves the page in a file. http_page.hpp has what the notebook
// leaves out: bodies in chunks, pages cut short, and a disk that is full.
#include "http_page.hpp"

struct Options { // the notebook's values; the notebook waits forever
    std::string host = "www.sina.com.cn";
    int port = 80;
    std::string path = "/";
    std::string output = "sina.html";
    Seconds timeout{10};
};
std::string request_for(const Options& options);

void fetch(const Options& options)
{
    // Create the socket and connect.
    const auto addresses = resolve(options.host, options.port);
    Socket s(addresses.front().family(), SOCK_STREAM);
    s.settimeout(options.timeout);
    s.connect(addresses);

    // Send the request.
    s.send(request_for(options));

    // Receive until the server closes, at most 1024 bytes at a time.
    std::string data;
    while (true) {
        const std::string d = s.recv(1024);
        if (d.empty()) { // the server has closed
            break;
        }
        data += d;
    }
    s.close();

    // Split once at the first blank line: print the header before it, save the
    // body behind it.
    const Page page = split(data, s.name());
    print(printable(page.header));
    save(options.output, page.pieces);
}

std::string request_for(const Options& options)
{
    std::string host = options.host.find(':') != std::string::npos
                           ? "[" + options.host + "]"
                           : options.host;
    host += options.port != 80 ? ":" + std::to_string(options.port) : "";
    return "GET " + options.path + " HTTP/1.1\r\nHost: " + host +
           "\r\nConnection: close\r\n\r\n";
}

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: lessons/http_get [OPTION...]
Fetches a page over HTTP, prints the header, and saves the page in a file.

  --host HOST        the web server                       (www.sina.com.cn)
  --port N           its port                             (80)
  --path PATH        the page                             (/)
  --output FILE      the file to save it in               (sina.html)
  --timeout SECONDS  how long to wait for the server; 0: forever  (10)
  --help             print this
)";
    const CommandLine given(argc, argv, usage,
                            {"host", "port", "path", "output", "timeout"});
    given.operands(0);
    Options options;
    options.host = given.text("host", options.host);
    options.port = given.number("port", options.port, 1, 65535);
    options.path = given.text("path", options.path);
    options.output = given.text("output", options.output);
    options.timeout = given.seconds("timeout", options.timeout);
    const auto breaks_a_line = [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    };
    if (options.path[0] != '/' ||
        std::any_of(options.path.begin(), options.path.end(), breaks_a_line)) {
        refuse("--path", options.path,
               "a path that begins with / and has no blanks (write %20)");
    }
    return options;
}

int main(int argc, char* argv[])
{
    try {
        fetch(parse(argc, argv));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
