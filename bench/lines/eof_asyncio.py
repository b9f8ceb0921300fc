"""As eof.py, in an asyncio server: how long the callback took that read the end, of a handler that waits for a line."""
import asyncio
import asyncio.selector_events
import socket
import sys
import time

socket.socket(type=socket.SOCK_DGRAM).close()  # loads what sockets need; no stack is taken of datagrams
start = time.perf_counter_ns()
first = socket.socket()
print(time.perf_counter_ns() - start)
plain = asyncio.selector_events._SelectorSocketTransport._read_ready__data_received


def timed(self):
    began = time.perf_counter_ns()
    plain(self)
    print(time.perf_counter_ns() - began)


async def handle(reader, writer):
    await reader.readline()
    writer.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    for _ in range(int(sys.argv[1])):
        client = socket.create_connection(server.sockets[0].getsockname())
        for _ in range(3):
            await asyncio.sleep(0)  # until the handler waits
        client.close()
        for _ in range(3):
            await asyncio.sleep(0)


asyncio.selector_events._SelectorSocketTransport._read_ready__data_received = timed
asyncio.run(main())
