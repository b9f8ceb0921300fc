"""asyncio on both sides: 40 connections at a time, half of them ended by the client, half by the server."""

import asyncio


async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
        if line == b"bye\n":
            break
    writer.close()
    await writer.wait_closed()
    handled.release()


async def ask(port, i):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"question %d\n" % i)
    answer = await reader.readline()
    if i % 2:
        writer.write(b"bye\n")
        answer += await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def main():
    global handled
    count = 40
    handled = asyncio.Semaphore(0)
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answers = await asyncio.gather(*(ask(port, i) for i in range(count)))
    for _ in range(count):
        await handled.acquire()
    server.close()
    await server.wait_closed()
    print("done", b"".join(answers).count(b"QUESTION"), b"".join(answers).count(b"BYE"))


asyncio.run(main())
