// client.cpp: your greeting client, the notebook's step 5. The code goes below each comment.
// Its counterpart is server.cpp. What it may use is in common.hpp.
#include "common.hpp"

void greet(int port)
{
    const Address server = resolve("127.0.0.1", port).front();
    log("client: step 5 is still to be done, for ", server.str(), "."); // delete this line

    // Create a TCP socket and connect it to the server.

    // Receive the welcome, and print it. visible(text) makes text fit for a terminal.

    // For each of the names Yam, May and Sarah: send it, receive the answer, and print it.

    // Send exit, and close.
}

int main(int argc, char* argv[])
{
    constexpr char usage[] = "Usage: ./client [--port N (9999)]\n";
    try {
        const CommandLine given(argc, argv, usage, {"port"});
        given.operands(0);
        greet(given.number("port", 9999, 1, 65535));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
