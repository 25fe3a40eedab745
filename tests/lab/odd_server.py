"""A server that is not the notebook's, for the wire's tests. What it does with a client: silent (accepts it, and sleeps), newline
(a newline behind the welcome), flood (sends without end). Usage: python3 tests/lab/odd_server.py KIND PORT"""
import socket
import sys
import time

kind, port = sys.argv[1], int(sys.argv[2])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", port))
s.listen(5)
while True:
    sock, addr = s.accept()
    if kind == "silent":
        time.sleep(100)
    sock.send(b"Welcome!\n")
    while kind == "flood":
        sock.send(b"x")
    while sock.recv(1024):
        sock.send(b"Hello, Yam!")
    sock.close()
