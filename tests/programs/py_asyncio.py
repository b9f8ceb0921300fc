"""An asyncio program in which each way to hold a connection forgets three of them. "fixed": none."""
import asyncio
import functools
import socket
import sys

EACH = 3
FIXED = sys.argv[1:] == ["fixed"]
kept = []
ended = None  # counted up when the end of a connection came through


def forget(thing):
    kept.append(thing)
    if FIXED:
        thing.close()
    ended.release()


async def reads(reader, writer):
    while await reader.readline():
        pass
    forget(writer)


async def returns(reader, writer):
    asyncio.get_running_loop().call_later(0.05, when_over, reader, writer)


def when_over(reader, writer):
    if reader.at_eof():
        forget(writer)
    else:
        asyncio.get_running_loop().call_later(0.05, when_over, reader, writer)


async def waits_for_work(reader, writer):
    queue = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.05, give_work, reader, queue)
    await queue.get()
    forget(writer)


def give_work(reader, queue):
    if reader.at_eof():
        queue.put_nowait("work")
    else:
        asyncio.get_running_loop().call_later(0.05, give_work, reader, queue)


class Session:
    async def serve(self, prefix, reader, writer):
        async for line in self.lines(reader):
            kept.append(prefix + line)
        forget(writer)

    async def lines(self, reader):
        while True:
            line = await asyncio.wait_for(reader.readline(), 60)
            if not line:
                return
            yield line


async def reads_in_tasks(reader, writer):
    await asyncio.gather(read_all(reader), asyncio.sleep(0))
    forget(writer)


async def read_all(reader):
    await reader.read()


class Forgetful(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def eof_received(self):
        if FIXED:
            self.transport.close()
        forget(self)
        return True

    def close(self):
        pass


class Child(Forgetful):
    pass


async def serve_and_leave(server_of, *arguments):
    server = await server_of(*arguments, "127.0.0.1", 0)
    for _ in range(EACH):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        await writer.wait_closed()
        await ended.acquire()
    kept.append(server)


async def hang_up(listener):
    loop = asyncio.get_running_loop()
    for _ in range(2 * EACH):
        connection, _ = await loop.sock_accept(listener)
        await asyncio.sleep(0.05)
        connection.close()


async def client(address):
    reader, writer = await asyncio.open_connection(*address)
    await reader.read()
    forget(writer)


async def plain_client(address):
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    await loop.sock_connect(connection, address)
    await loop.sock_recv(connection, 100)
    forget(connection)


async def main():
    global ended
    ended = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    for handler in (reads, returns, waits_for_work, reads_in_tasks, functools.partial(Session().serve, b"> ")):
        await serve_and_leave(asyncio.start_server, handler)
    await serve_and_leave(loop.create_server, Child)
    await serve_and_leave(loop.create_server, lambda: Forgetful())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        hanging_up = asyncio.ensure_future(hang_up(listener))
        for _ in range(EACH):
            await client(listener.getsockname())
            await plain_client(listener.getsockname())
        await hanging_up
    print("done", flush=True)


asyncio.run(main())
