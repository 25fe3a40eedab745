/* Asks epoll who waits before it accepts, and ends on any error of it: stopped and continued, epoll_wait fails with EINTR. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static double delay;

static void *serve(void *argument)
{
    int fd = (int)(long)argument;
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    char ip[INET_ADDRSTRLEN] = "?", data[1024], answer[1100];
    ssize_t n;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0) {
        inet_ntop(AF_INET, &peer.sin_addr, ip, sizeof ip);
        printf("Accept new connection from %s:%d...\n", ip, ntohs(peer.sin_port));
        send(fd, "Welcome!", 8, MSG_NOSIGNAL);
        while ((n = recv(fd, data, sizeof data, 0)) > 0) {
            usleep((useconds_t)(delay * 1e6));
            if (n == 4 && memcmp(data, "exit", 4) == 0)
                break;
            memcpy(answer, "Hello, ", 7);
            memcpy(answer + 7, data, (size_t)n);
            answer[7 + n] = '!';
            if (send(fd, answer, (size_t)n + 8, MSG_NOSIGNAL) < 0)
                break;
        }
        printf("Connection from %s:%d closed.\n", ip, ntohs(peer.sin_port));
    }
    close(fd);
    return NULL;
}

int main(int argc, char *argv[])
{
    int s = socket(AF_INET, SOCK_STREAM, 0), watch = epoll_create1(0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN};
    address.sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "9999"));
    delay = argc > 2 ? atof(argv[2]) : 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (struct sockaddr *)&address, sizeof address) < 0 || listen(s, 64) < 0)
        return perror("bind"), 1;
    epoll_ctl(watch, EPOLL_CTL_ADD, s, &event);
    printf("Waiting for connection...\n");
    for (;;) {
        pthread_t thread;
        if (epoll_wait(watch, &event, 1, -1) < 0)
            return perror("epoll_wait"), 1;
        if (pthread_create(&thread, NULL, serve, (void *)(long)accept(s, NULL, NULL)) == 0)
            pthread_detach(thread);
    }
}
