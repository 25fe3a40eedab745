"""Right: Python's own framework for servers. Usage: framework.py PORT DELAY"""
import socketserver
import sys
import time


class Greeter(socketserver.BaseRequestHandler):
    def handle(self):
        address = "%s:%d" % self.client_address
        sys.stdout.write("Accept new connection from %s...\n" % address)
        try:
            self.request.sendall(b"Welcome!")
            while True:
                data = self.request.recv(1024)
                time.sleep(float(sys.argv[2]))
                if not data or data == b"exit":
                    break
                self.request.sendall(b"Hello, " + data + b"!")
        except OSError:
            pass
        self.request.close()
        sys.stdout.write("Connection from %s closed.\n" % address)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", int(sys.argv[1])), Greeter) as server:
    print("Waiting for connection...")
    server.serve_forever()
