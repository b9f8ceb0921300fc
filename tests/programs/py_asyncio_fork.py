"""An asyncio server that forgets three connections, then a child of it that forgets three of another server."""
import asyncio
import os

kept = []


async def first(reader, writer):
    await reader.read()
    kept.append(writer)


async def second(reader, writer):
    await reader.readline()
    kept.append(writer)


async def serve(*handlers):
    for handler in handlers:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        for _ in range(3):
            wanted = len(kept) + 1
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.close()
            await writer.wait_closed()
            while len(kept) < wanted:
                await asyncio.sleep(0.001)


asyncio.run(serve(first))
child = os.fork()
if child == 0:
    asyncio.run(serve(second, first))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("done", flush=True)
