# Right: Python with a pool of threads, which keeps its threads when clients have left. Usage: pool.py PORT DELAY
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def greet(sock, address):
    print('Accept new connection from %s:%d...' % address, flush=True)
    try:
        sock.sendall(b'Welcome!')
        while (data := sock.recv(1024)) not in (b'', b'exit'):
            time.sleep(float(sys.argv[2]))
            sock.sendall(b'Hello, ' + data + b'!')
    except OSError as error:
        print(error, file=sys.stderr)
    finally:
        sock.close()
    print('Connection from %s:%d closed.' % address, flush=True)


with socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=128) as server, ThreadPoolExecutor(256) as pool:
    print('Waiting for connection...', flush=True)
    while True:
        pool.submit(greet, *server.accept())
