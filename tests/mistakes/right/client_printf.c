/* A right client in C, with stdio: it does not flush, so that its lines are late in a file. Usage: client_printf PORT */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    const char *names[] = {"Yam", "May", "Sarah", "exit", NULL};
    struct addrinfo *server;
    char answer[1025];
    int i, s;

    if (getaddrinfo("127.0.0.1", argc > 1 ? argv[1] : "9999", NULL, &server) != 0)
        return 1;
    s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, server->ai_addr, server->ai_addrlen) == -1) {
        perror("connect");
        return 1;
    }
    for (i = 0; names[i] != NULL; i++) {
        ssize_t n = read(s, answer, sizeof answer - 1);
        if (n <= 0)
            return 1;
        answer[n] = '\0';
        printf("%s\n", answer);
        if (write(s, names[i], strlen(names[i])) == -1)
            return 1;
    }
    close(s);
    freeaddrinfo(server);
    return 0;
}
