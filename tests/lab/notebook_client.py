"""The notebook's greeting client, step by step, in the words of this project. Usage: python3 notebook_client.py [PORT]"""
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9999))
print(client.recv(1024).decode("utf-8"))
for name in [b"Yam", b"May", b"Sarah"]:
    client.send(name)
    print(client.recv(1024).decode("utf-8"))
client.send(b"exit")
client.close()
