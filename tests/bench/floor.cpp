// floor.cpp: what the greeting costs at the least. The same protocol on bare system calls and
// pthreads with small stacks: no options, no output, no limits, no way to stop it but to kill it.
// `make bench` measures the server against it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

void* greet(void* argument)
{
    const int sock = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
    char buffer[7 + 1024 + 1] = {'H', 'e', 'l', 'l', 'o', ',', ' '};
    char* const name = buffer + 7;
    send(sock, "Welcome!", 8, MSG_NOSIGNAL);
    for (;;) {
        const ssize_t size = recv(sock, name, 1024, 0);
        if (size <= 0 || (size == 4 && std::memcmp(name, "exit", 4) == 0)) {
            break;
        }
        name[size] = '!';
        if (send(sock, buffer, static_cast<std::size_t>(7 + size + 1), MSG_NOSIGNAL) == -1) {
            break;
        }
    }
    close(sock);
    return nullptr;
}

} // namespace

int main()
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    socklen_t length = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, generic, length) == -1 || listen(listener, 128) == -1 ||
        getsockname(listener, generic, &length) == -1) {
        std::perror("floor");
        return 1;
    }
    std::printf("Listening on 127.0.0.1:%d. Ctrl-C stops the server.\n", ntohs(address.sin_port));
    std::fflush(stdout);

    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        const std::intptr_t sock = accept(listener, nullptr, nullptr);
        pthread_t thread = 0;
        if (sock != -1 &&
            pthread_create(&thread, &small, greet, reinterpret_cast<void*>(sock)) != 0) {
            close(static_cast<int>(sock));
        }
    }
}
