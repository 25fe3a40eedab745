"""The notebook's greeting server, step by step, in the words of this project. Tests and benchmark measure ours by it.

Usage: python3 notebook_server.py [PORT [DELAY]]; 9999 and 1 second are the notebook's. Port 0 is any; it is then said on
standard error, which the notebook does not do.
"""
import socket
import sys
import threading
import time

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9999
DELAY = float(sys.argv[2]) if len(sys.argv) > 2 else 1


def tcplink(sock, addr):
    print("Accept new connection from %s:%s..." % addr)
    sock.send(b"Welcome!")
    while True:
        data = sock.recv(1024)
        if DELAY:
            time.sleep(DELAY)
        if not data or data.decode("utf-8") == "exit":
            break
        sock.send(("Hello, %s!" % data.decode("utf-8")).encode("utf-8"))
    sock.close()
    print("Connection from %s:%s closed." % addr)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", PORT))
server.listen(5)
print("Listening on 127.0.0.1:%d. Ctrl-C stops the server." % server.getsockname()[1], file=sys.stderr, flush=True)
print("Waiting for connection...")
while True:
    client, address = server.accept()
    threading.Thread(target=tcplink, args=(client, address), daemon=True).start()
