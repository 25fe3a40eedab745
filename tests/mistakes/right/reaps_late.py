"""Right: a process for each client, which is waited for when the next one comes. Usage: reaps_late.py PORT DELAY"""
import os
import socket
import sys
import time

PORT, DELAY = int(sys.argv[1]), float(sys.argv[2])


def tcplink(sock, address):
    os.write(1, f"Accept new connection from {address}...\n".encode())
    try:
        sock.sendall(b"Welcome!")
        while True:
            data = sock.recv(1024)
            time.sleep(DELAY)
            if data in (b"", b"exit"):
                break
            sock.sendall(b"Hello, " + data + b"!")
    except ConnectionError:
        pass
    sock.close()
    os.write(1, f"Connection from {address} closed.\n".encode())


server = socket.create_server(("127.0.0.1", PORT), backlog=128)
print("Waiting for connection...", flush=True)
children = set()
while True:
    client, (host, port) = server.accept()
    children = {child for child in children if os.waitpid(child, os.WNOHANG) == (0, 0)}
    child = os.fork()
    if child == 0:
        server.close()
        tcplink(client, f"{host}:{port}")
        os._exit(0)
    children.add(child)
    client.close()
