/* A right server in C, with pthreads: the mistakes in C are made in it. Usage: server PORT DELAY */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
    int sock;
    struct sockaddr_in addr;
};
static double delay = 1;

static void *tcplink(void *argument)
{
    struct client client = *(struct client *)argument;
    free(argument);
    char buffer[1024];
    char reply[1100];
    char ip[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &client.addr.sin_addr, ip, sizeof ip);
    printf("Accept new connection from %s:%d...\n", ip, ntohs(client.addr.sin_port));
    send(client.sock, "Welcome!", 8, MSG_NOSIGNAL);
    for (;;) {
        ssize_t n = recv(client.sock, buffer, 1024, 0);
        struct timespec pause = {(time_t)delay, (long)((delay - (time_t)delay) * 1e9)};
        nanosleep(&pause, NULL);
        if (n <= 0)
            break;
        if (n == 4 && memcmp(buffer, "exit", 4) == 0)
            break;
        memcpy(reply, "Hello, ", 7);
        memcpy(reply + 7, buffer, (size_t)n);
        reply[7 + n] = '!';
        if (send(client.sock, reply, (size_t)n + 8, MSG_NOSIGNAL) < 0)
            break;
    }
    close(client.sock);
    printf("Connection from %s:%d closed.\n", ip, ntohs(client.addr.sin_port));
    return NULL;
}

int main(int argc, char *argv[])
{
    int port = argc > 1 ? atoi(argv[1]) : 9999;
    delay = argc > 2 ? atof(argv[2]) : 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(s, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bind");
        return 1;
    }
    listen(s, 5);
    printf("Waiting for connection...\n");
    for (;;) {
        struct client *client = malloc(sizeof *client);
        socklen_t length = sizeof client->addr;
        client->sock = accept(s, (struct sockaddr *)&client->addr, &length);
        pthread_t thread;
        pthread_create(&thread, NULL, tcplink, client);
        pthread_detach(thread);
    }
}
