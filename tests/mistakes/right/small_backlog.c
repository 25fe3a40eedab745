/* Right: listen(s, 1). Of five clients that come in one instant some wait, for which the kernel is to blame.
   Usage: small_backlog PORT DELAY */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static double delay = 1;

struct client {
    int sock;
    char address[64];
};

static void *tcplink(void *argument)
{
    struct client *client = argument;
    char name[1024], answer[1024 + 8];
    ssize_t n;
    printf("Accept new connection from %s...\n", client->address);
    send(client->sock, "Welcome!", 8, 0);
    while ((n = recv(client->sock, name, sizeof name, 0)) > 0) {
        usleep((useconds_t)(delay * 1e6));
        if (n == 4 && memcmp(name, "exit", 4) == 0)
            break;
        memcpy(answer, "Hello, ", 7);
        memcpy(answer + 7, name, (size_t)n);
        answer[n + 7] = '!';
        if (send(client->sock, answer, (size_t)n + 8, 0) < 0)
            break;
    }
    close(client->sock);
    printf("Connection from %s closed.\n", client->address);
    free(client);
    return NULL;
}

int main(int argc, char *argv[])
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    pthread_t thread;
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    delay = argc > 2 ? atof(argv[2]) : 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 9999));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(s, (struct sockaddr *)&address, size) < 0 || listen(s, 1) < 0) {
        perror("bind");
        return 1;
    }
    printf("Waiting for connection...\n");
    for (;;) {
        struct client *client = malloc(sizeof *client);
        client->sock = accept(s, (struct sockaddr *)&address, &size);
        snprintf(client->address, sizeof client->address, "%s:%d", inet_ntoa(address.sin_addr),
                 ntohs(address.sin_port));
        pthread_create(&thread, NULL, tcplink, client);
        pthread_detach(thread);
    }
}
