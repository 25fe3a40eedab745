// serving.hpp: Python's threading, with a limit to the clients, and an orderly end.
#pragma once

#include "screen.hpp"
#include "socket.hpp"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

class Client;

/// The clients that a server is serving, each in a thread of its own.
class Clients
{
  public:
    /// For a socket that listens. From now on SIGINT (Ctrl-C) and SIGTERM stop the server in good
    /// order, and nothing waits for the screen.
    Clients(const Socket& listener, int max_clients, Seconds idle_timeout)
        : listener_(listener), max_clients_(max_clients), idle_timeout_(idle_timeout)
    {
        never_wait_for_the_screen();
        std::signal(SIGPIPE, SIG_IGN); // a closed pipe behind standard output is no reason to stop

        // Every client costs a descriptor: raise the soft limit to the hard limit.
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
#ifdef __GLIBC__
        // A stack of one megabyte for each thread, not eight, so that ten thousand fit in memory.
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 1'048'576);
        pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
#endif
        // The stop signals are blocked in every thread; only sigwait takes them. Unlike in a
        // handler, anything may be done then, and no signal comes too early or too late. sigwait(3)
        sigemptyset(&stop_signals_);
        for (const int number : {SIGINT, SIGTERM}) {
            std::signal(number, SIG_DFL); // a shell's background job is started with Ctrl-C ignored
            sigaddset(&stop_signals_, number);
        }
        pthread_sigmask(SIG_BLOCK, &stop_signals_, nullptr);
        stopper_ = std::thread([this] {
            int number = 0;
            sigwait(&stop_signals_, &number);
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            ::shutdown(listener_.fileno(), SHUT_RDWR); // accept fails, now or when it is called
            for (const int descriptor : sockets_) {
                ::shutdown(descriptor, SHUT_RD);
            }
            changed_.notify_all();
        });
    }

    /// True after Ctrl-C: from then on accept fails, and what waits in recv receives nothing.
    bool stopping() const { return stopping_; }

    /// Waits until fewer than `max_clients` are served, or the server is stopping.
    void wait_for_room()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || count_ < max_clients_; });
    }

    /// Counts one more client, whose socket gets `idle_timeout`, and is watched by keepalive.
    Client add(Socket sock);

    /// For when no client could be accepted or given a thread: warns, once for each shortage, and
    /// waits for a second. If the server is stopping, that is why, and it returns at once.
    void wait_after(const std::exception& error)
    {
        std::unique_lock lock(mutex_);
        if (!stopping_ && !std::exchange(warned_, true)) {
            log("warning: cannot serve a new client: ", error.what(),
                ". Trying again each second.");
        }
        changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_.load(); });
    }

    /// Waits until every thread has ended. They have `delay` and half a second to send what they
    /// are about to send; then their connections are cut. A second Ctrl-C ends the program at once.
    void finish(Seconds delay)
    {
        stopper_.join();
        pthread_sigmask(SIG_UNBLOCK, &stop_signals_, nullptr);
        std::unique_lock lock(mutex_);
        const auto all_ended = [&] { return count_ == 0; };
        if (!changed_.wait_for(lock, delay + std::chrono::milliseconds(500), all_ended)) {
            for (const int descriptor : sockets_) {
                ::shutdown(descriptor, SHUT_RDWR);
            }
            changed_.wait(lock, all_ended);
        }
    }

  private:
    friend class Client;
    const Socket& listener_;
    const int max_clients_;
    const Seconds idle_timeout_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_; ///< guards what follows, and that no socket is closed while it is shut down
    std::condition_variable changed_;
    int count_ = 0;         ///< clients whose threads have not ended
    std::set<int> sockets_; ///< descriptors of those whose sockets are open
    bool warned_ = false;   ///< about the present shortage
    sigset_t stop_signals_{};
    std::thread stopper_;
};

/// The socket of one client, which counts as served until this object is destroyed.
class Client
{
  public:
    void send(std::string_view data) const { sock_.send(data); } ///< Socket::send

    /// Socket::recv; throws when the server is stopping, as no more messages are answered then.
    std::string recv(std::size_t most) const
    {
        return clients_->stopping() ? throw std::runtime_error("the server is stopping")
                                    : sock_.recv(most);
    }

    void close() ///< Socket::close
    {
        const std::lock_guard lock(clients_->mutex_);
        clients_->sockets_.erase(sock_.fileno());
        sock_.close();
    }

    Client(Client&& other) noexcept
        : clients_(std::exchange(other.clients_, nullptr)), sock_(std::move(other.sock_))
    {
    }
    ~Client()
    {
        if (clients_ == nullptr) { // it was moved
            return;
        }
        const bool served = sock_.fileno() == -1; // its thread has closed it
        if (!served) {
            log("No thread for ", sock_.name(), ", so the connection is closed.");
            close();
        }
        const std::lock_guard lock(clients_->mutex_);
        clients_->warned_ = clients_->warned_ && !served;
        --clients_->count_;
        clients_->changed_.notify_all();
    }

  private:
    friend class Clients;
    Client(Clients& clients, Socket sock) : clients_(&clients), sock_(std::move(sock)) {}

    Clients* clients_;
    Socket sock_;
};

inline Client Clients::add(Socket sock)
{
    // A client whose machine has vanished sends neither FIN nor RST. After a minute of silence it
    // is asked whether it is still there, and when nothing has come back for 100 seconds, recv and
    // send fail. tcp(7)
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, 10);
    sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 100'000);
    if (idle_timeout_ > Seconds(0)) {
        sock.settimeout(idle_timeout_);
    }
    const std::lock_guard lock(mutex_);
    sockets_.insert(sock.fileno());
    ++count_;
    return {*this, std::move(sock)};
}
