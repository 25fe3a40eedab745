/* Right: a process for each client. Usage: fork PORT DELAY */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    double delay = argc > 2 ? atof(argv[2]) : 1;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 9999));
    if (bind(s, (struct sockaddr *)&address, sizeof address) < 0 || listen(s, 128) < 0)
        return 1;
    puts("Waiting for connection...");
    fflush(stdout);
    for (;;) {
        socklen_t length = sizeof address;
        int sock = accept(s, (struct sockaddr *)&address, &length);
        if (sock < 0 || fork() > 0) {
            close(sock);
            continue;
        }
        close(s);
        printf("Accept new connection from %s:%d...\n", inet_ntoa(address.sin_addr), ntohs(address.sin_port));
        fflush(stdout);
        char buffer[7 + 1024 + 1] = "Hello, ";
        write(sock, "Welcome!", 8);
        for (;;) {
            ssize_t n = read(sock, buffer + 7, 1024);
            usleep((unsigned)(delay * 1e6));
            if (n <= 0 || (n == 4 && strncmp(buffer + 7, "exit", 4) == 0))
                break;
            buffer[7 + n] = '!';
            if (write(sock, buffer, (size_t)n + 8) < 0)
                break;
        }
        close(sock);
        printf("Connection from %s:%d closed.\n", inet_ntoa(address.sin_addr), ntohs(address.sin_port));
        exit(0);
    }
}
