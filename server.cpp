// server.cpp: the notebook's greeting server, a thread for each client. Its counterpart is client.cpp.
//
// The story is told first, by tcplink() and main(), in the notebook's steps. What a class of students makes
// necessary besides, limits and stopping and a screen that may be stuck, is declared here and defined below.
#include "common.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <initializer_list>
#include <limits>
#include <list>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace
{

/// The command line; every default is the notebook's value, but for the backlog, which is the tutorial's.
struct Options {
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds delay{1};
    int backlog = 128;
    int max_clients = 1000;
    Seconds idle_timeout{0};
};

/// One client that is being served: its socket, its address, and the thread that serves it.
struct Client {
    Socket sock;
    std::string addr;
    std::thread thread{};
};
using ClientRef = std::list<Client>::iterator;

/// All the clients, shared between the main loop, their threads, and the thread that waits for Ctrl-C.
class Clients
{
  public:
    explicit Clients(const Options& options) : options_(options) {}

    /// For the main loop, before accept: waits until fewer than --max-clients are served and joins the
    /// threads that have ended. False once the server is stopping.
    bool wait_for_room();
    /// For the main loop, when no client can be accepted: waits until one leaves, or a second has passed.
    void wait_for_a_leaver(const std::exception& shortage);
    /// Enters a client in the list; its thread is for the caller to start.
    ClientRef add(Socket sock, std::string addr);
    /// Closes the client's socket and takes it off the list. What is left of its thread is joined later.
    void close(ClientRef client);

    /// Lets nobody in any more, and wakes every thread that waits for its client to say something.
    void stop();
    bool stopping() const { return stopping_; }
    /// Waits until every thread has ended. A client that takes no reply is cut off in the end.
    void join_all();

  private:
    const Options& options_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_; ///< guards what follows: no socket is shut down by one thread while another closes it
    std::condition_variable changed_;
    std::list<Client> serving_;
    std::list<Client> ended_;
    bool short_of_something_ = false;
};

Options parse(int argc, char* argv[]);
sigset_t hold_stop_signals();
void prepare_for_a_class(Options& options);
void print(std::initializer_list<std::string_view> pieces);
void complain(std::initializer_list<std::string_view> pieces);

/// Step 5, the notebook's tcplink: one client's thread, from its welcome to its end.
void tcplink(ClientRef client, Clients& clients, Seconds delay)
{
    const Socket& sock = client->sock;
    const std::string& addr = client->addr;
    print({"Accept new connection from ", addr, "..."});
    try {
        sock.send("Welcome!");
        while (!clients.stopping()) {
            const std::string data = sock.recv(1024);
            std::this_thread::sleep_for(delay);
            if (data.empty() || data == "exit") { // nothing at all: the client has closed
                break;
            }
            sock.send("Hello, " + data + "!");
        }
    } catch (const std::exception& error) { // a reset, a timeout, no memory: the end of this client only
        complain({"The service of ", addr, " ends: ", error.what(), "."});
    }
    clients.close(client);
    print({"Connection from ", addr, " closed."});
}

} // namespace

int main(int argc, char* argv[])
try {
    Options options = parse(argc, argv);
    const auto addresses = resolve(options.host, options.port);
    const sigset_t stop_signals = hold_stop_signals(); // before there is any thread: each inherits it

    const Socket s = first_that_works(addresses, [&](const Address& address) {
        Socket tcp(address.family(), SOCK_STREAM);   // Step 1: create the socket,
        tcp.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1); //   (so that a restart finds the port free)
        tcp.bind(address);                           // Step 2: bind it to an address and a port,
        tcp.listen(options.backlog);                 // Step 3: and listen.
        return tcp;
    });
    prepare_for_a_class(options);
    complain({"Listening on ", s.name(), ". Ctrl-C stops the server."});
    print({"Waiting for connection..."});

    Clients clients(options);
    std::thread stopper([&] {
        int signal = 0;
        sigwait(&stop_signals, &signal); // Ctrl-C or kill
        clients.stop();
        s.shutdown(SHUT_RDWR); // wakes accept, now or when it is next called
    });

    while (clients.wait_for_room()) { // Step 4: accept each client and start a thread for it.
        try {
            auto [sock, addr] = s.accept();
            const auto client = clients.add(std::move(sock), std::move(addr));
            try {
                client->thread = std::thread(tcplink, client, std::ref(clients), options.delay);
            } catch (const std::system_error& error) {
                complain({"No thread for ", client->addr, ", which is closed: ", error.what(), "."});
                clients.close(client);
            }
        } catch (const std::exception& error) { // out of descriptors or memory, or stopped
            clients.wait_for_a_leaver(error);
        }
    }

    stopper.join();
    pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr); // a second Ctrl-C ends the program at once
    clients.join_all();
    return 0;
} catch (const std::exception& error) {
    return report(error);
}

// ---- What does not belong to the story ------------------------------------------------------------------

namespace
{

bool Clients::wait_for_room()
{
    std::list<Client> ended;
    bool stopping = false;
    {
        std::unique_lock lock(mutex_);
        const auto most = static_cast<std::size_t>(options_.max_clients);
        changed_.wait(lock, [&] { return stopping_ || serving_.size() < most; });
        ended.swap(ended_);
        stopping = stopping_;
    }
    for (Client& client : ended) {
        if (client.thread.joinable()) {
            client.thread.join();
        }
    }
    return !stopping;
}

void Clients::wait_for_a_leaver(const std::exception& shortage)
{
    std::unique_lock lock(mutex_);
    if (!stopping_ && !std::exchange(short_of_something_, true)) {
        complain({shortage.what(), ". New clients wait."});
    }
    const std::size_t now = serving_.size();
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_ || serving_.size() < now; });
}

ClientRef Clients::add(Socket sock, std::string addr)
{
    if (options_.idle_timeout > Seconds(0)) {
        sock.settimeout(options_.idle_timeout);
    }
    Client client{std::move(sock), std::move(addr)};
    const std::lock_guard lock(mutex_);
    short_of_something_ = false;
    return serving_.insert(serving_.end(), std::move(client));
}

void Clients::close(ClientRef client)
{
    const std::lock_guard lock(mutex_);
    client->sock.close();
    ended_.splice(ended_.end(), serving_, client);
    changed_.notify_all();
}

void Clients::stop()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const Client& client : serving_) {
        client.sock.shutdown(SHUT_RD);
    }
    changed_.notify_all();
}

void Clients::join_all()
{
    {
        std::unique_lock lock(mutex_);
        const auto all_ended = [&] { return serving_.empty(); };
        if (!changed_.wait_for(lock, options_.delay + std::chrono::milliseconds(500), all_ended)) {
            for (const Client& client : serving_) {
                client.sock.shutdown(SHUT_RDWR);
            }
            changed_.wait(lock, all_ended);
        }
    }
    wait_for_room(); // joins them
}

/// Stop signals are from now on held back from every thread; only sigwait takes them. Unlike a handler, it
/// leaves no instant at which a signal could come too early or too late. sigwait(3)
sigset_t hold_stop_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM}) {
        std::signal(number, SIG_DFL); // a shell may have started this in the background with Ctrl-C ignored
        sigaddset(&signals, number);
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe behind standard output shall be an error, not a death
    return signals;
}

/// Every client costs a descriptor: takes as many as the system gives, and keeps --max-clients within them.
void raise_descriptor_limit(Options& options)
{
    constexpr rlim_t kept_back = 16; // for the listener, the standard streams, and what was open already
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    const rlim_t left = limit.rlim_cur > kept_back ? limit.rlim_cur - kept_back : 1;
    if (static_cast<rlim_t>(options.max_clients) > left) {
        options.max_clients = static_cast<int>(left);
        complain({"Open files are limited (ulimit -n), so --max-clients is ", std::to_string(left), "."});
    }
}

/// Gives each thread a stack of one megabyte, where the system would give it eight: a greeting needs
/// little, and ten thousand of them fit beside each other. pthread_setattr_default_np(3), which only glibc has
void use_small_stacks()
{
#ifdef __GLIBC__
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 1'048'576);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
#endif
}

/// Opens the pipe or terminal behind `descriptor` once more, so that a write to it never waits. Made on a new
/// opening, the change does not reach others who use the same one, such as the shell. O_NONBLOCK in open(2)
void reopen_without_waiting(int descriptor)
{
    struct stat status = {};
    if (fstat(descriptor, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
        const std::string path = "/dev/fd/" + std::to_string(descriptor);
        const int again = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY);
        if (again != -1) {
            dup2(again, descriptor);
            ::close(again);
        }
    }
}

/// Makes room for as many clients as the system allows, and sees to it that no screen holds them up.
void prepare_for_a_class(Options& options)
{
    reopen_without_waiting(STDOUT_FILENO);
    reopen_without_waiting(STDERR_FILENO);
    raise_descriptor_limit(options);
    use_small_stacks();
}

/// Writes one line, whole and at once. If nobody takes it, a full pipe or a paused terminal, it is dropped
/// after a fifth of a second, and later ones at once for as long as that lasts: clients do not wait for a
/// screen. False if the line was lost. It allocates no memory.
bool write_line(int descriptor, std::initializer_list<std::string_view> pieces)
{
    struct Screen {
        bool stuck = false; ///< it took nothing the last time
        bool cut = false;   ///< what it took last was a part of a line
    };
    static std::mutex mutex;
    static std::array<Screen, 3> screens;
    const std::lock_guard lock(mutex);
    Screen& screen = screens[static_cast<std::size_t>(descriptor)];

    std::array<char, 512> line{};
    std::size_t size = 0;
    line[size] = '\n';
    size += screen.cut ? 1 : 0;
    for (const std::string_view piece : pieces) {
        size += piece.copy(line.data() + size, line.size() - 1 - size);
    }
    line[size++] = '\n';

    std::size_t written = 0;
    while (written < size) {
        const ssize_t count = write(descriptor, line.data() + written, size - written);
        if (count > 0) {
            written += static_cast<std::size_t>(count);
            screen = {};
        } else if (errno == EAGAIN && !screen.stuck) {
            pollfd writable{descriptor, POLLOUT, 0};
            screen.stuck = poll(&writable, 1, 200) == 0;
        } else if (errno != EINTR) {
            break;
        }
    }
    screen.cut = written == 0 ? screen.cut : written < size;
    return written == size;
}

/// One of the notebook's lines. A disk that is full or a pipe that is closed does not end the service.
void print(std::initializer_list<std::string_view> pieces)
{
    static std::atomic<bool> losing = false;
    if (write_line(STDOUT_FILENO, pieces)) {
        losing = false;
    } else if (!losing.exchange(true)) {
        complain(
            {"Standard output takes no more lines. They are dropped until it does; the service goes on."});
    }
}

/// What is not among the notebook's lines goes to standard error.
void complain(std::initializer_list<std::string_view> pieces) { write_line(STDERR_FILENO, pieces); }

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: ./server [OPTION...]
The notebook's greeting server: Welcome!, then Hello, NAME! for each name, until exit.

  --host ADDRESS          address to listen on, a number or a name  (127.0.0.1)
  --port N                port; 0 lets the system choose one        (9999)
  --delay SECONDS         time to think before each answer          (1)
  --backlog N             clients that may wait to be accepted      (128)
  --max-clients N         clients served at the same time           (1000)
  --idle-timeout SECONDS  close a client that is silent for so long (0: never)
  --help                  print this

Ctrl-C stops it.
)";
    constexpr int any = std::numeric_limits<int>::max();
    Options options;
    no_operands(parse_options(
        argc, argv, usage,
        {{"host", [&](const Value& value) { options.host = value.text(); }},
         {"port", [&](const Value& value) { options.port = value.port(); }},
         {"delay", [&](const Value& value) { options.delay = value.seconds(); }},
         {"backlog", [&](const Value& value) { options.backlog = value.number(0, any); }},
         {"max-clients", [&](const Value& value) { options.max_clients = value.number(1, any); }},
         {"idle-timeout", [&](const Value& value) { options.idle_timeout = value.seconds(); }}}));
    return options;
}

} // namespace
