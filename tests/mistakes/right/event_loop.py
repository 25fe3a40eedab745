"""Right: one thread and an event loop. Usage: event_loop.py PORT DELAY"""
import asyncio
import sys

PORT, DELAY = int(sys.argv[1]), float(sys.argv[2])


async def serve(reader, writer):
    address = "%s:%d" % writer.get_extra_info("peername")
    print("Accept new connection from " + address + "...", flush=True)
    try:
        writer.write(b"Welcome!")
        while True:
            data = await reader.read(1024)
            await asyncio.sleep(DELAY)
            if data in (b"", b"exit"):
                break
            writer.write(b"Hello, " + data + b"!")
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()
    print("Connection from " + address + " closed.", flush=True)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    print("Waiting for connection...", flush=True)
    await server.serve_forever()


asyncio.run(main())
