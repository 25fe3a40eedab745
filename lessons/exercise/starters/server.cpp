// server.cpp: your greeting server. The steps are the notebook's; the code goes below each of them.
// Its counterpart is client.cpp. What it may use is in common.hpp.
#include "common.hpp"

void tcplink(Socket sock, const std::string& addr, Seconds delay);

void serve(int port, Seconds delay)
{
    const Address address = resolve("127.0.0.1", port).front();
    log("server: step 1 is still to be done, for ", address.str(), "."); // delete this line

    // Step 1: create a TCP socket: a Socket, of the address's family().

    // Step 2: bind it to the address. (With SO_REUSEADDR set to 1, a restart gets the port back.)

    // Step 3: listen; then print Waiting for connection...

    // Step 4: in a loop, accept a client, and start a thread that runs tcplink for it.
    // std::thread(tcplink, std::move(sock), addr, delay).detach() starts one.
    static_cast<void>(delay); // delete this line
}

/// Step 4, the notebook's tcplink: one client's thread, from its welcome to its end. (Where a name
/// is used, its [[maybe_unused]] may go.)
void tcplink([[maybe_unused]] Socket sock, [[maybe_unused]] const std::string& addr,
             [[maybe_unused]] Seconds delay)
{
    // Print the line that says who has come.

    // Send the welcome.

    // In a loop: receive at most 1024 bytes, wait for the delay (std::this_thread::sleep_for),
    // leave the loop if nothing came or if it was exit, and send the greeting.

    // Close the socket, and print the line that says who has gone.

    // If send or recv fails, it throws. Catch that around all that talks to the client, from the
    // welcome to the last greeting: it is the end of this client only, whose socket is then closed,
    // and whose line is printed, as for any other.
}

int main(int argc, char* argv[])
{
    constexpr char usage[] = "Usage: ./server [--port N (9999)] [--delay SECONDS (1)]\n";
    try {
        const CommandLine given(argc, argv, usage, {"port", "delay"});
        given.operands(0);
        serve(given.number("port", 9999, 1, 65535), given.seconds("delay", Seconds(1)));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 1; // a server does not end by itself
}
