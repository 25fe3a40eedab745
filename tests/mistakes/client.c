/* A right client in C: the mistakes in C are made in it. Usage: client PORT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void receive(int s)
{
    char buffer[1024];
    ssize_t n = recv(s, buffer, sizeof buffer, 0);
    if (n <= 0)
        exit(1);
    printf("%.*s\n", (int)n, buffer);
    fflush(stdout);
}

int main(int argc, char *argv[])
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 9999));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(s, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("connect");
        return 1;
    }
    receive(s);
    const char *names[] = {"Yam", "May", "Sarah"};
    for (int i = 0; i < 3; ++i) {
        send(s, names[i], strlen(names[i]), 0);
        receive(s);
    }
    send(s, "exit", 4, 0);
    close(s);
    return 0;
}
