"""Right: a client that, after exit, waits for the server to close. Usage: client_waits.py PORT"""
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    print(s.recv(1024).decode())
    for name in ["Yam", "May", "Sarah"]:
        s.sendall(name.encode())
        print(s.recv(1024).decode())
    s.sendall(b"exit")
    assert s.recv(1024) == b""
