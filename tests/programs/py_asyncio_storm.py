"""300 connections come to their end in an asyncio loop while other threads change everything under it: classes,
dicts and objects come and go, those of the loop are written to, the collector runs. Every second one is forgotten."""
import asyncio
import gc
import sys
import threading

CONNECTIONS = 300
over = threading.Event()
kept = []
transports = []


def churn_objects():
    while not over.is_set():
        made = [type("Made%d" % i, (), {"field%d" % n: n for n in range(i)})() for i in range(20)]
        for each in made:
            for n in range(40):
                setattr(each, "_protocol%d" % n, bytearray(n * 64))
        del made


def churn_dicts():
    while not over.is_set():
        for transport in transports[-8:]:
            own = vars(transport)
            for n in range(40):
                own["passing%d" % n] = [n]
            for n in range(40):
                own.pop("passing%d" % n, None)
            protocol = vars(own.get("_protocol"))
            protocol["passing"] = protocol.pop("passing", 0)


def collect():
    while not over.is_set():
        gc.collect()
        [[i] for i in range(20000)]


async def handle(reader, writer):
    transports.append(writer.transport)
    await reader.read()
    kept.append(writer)
    if len(kept) % 2 == 0:
        writer.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    for i in range(CONNECTIONS):
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        await writer.wait_closed()
        while len(kept) <= i:
            await asyncio.sleep(0.001)


sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=each) for each in (churn_objects, churn_dicts, collect)]
for thread in threads:
    thread.start()
try:
    asyncio.run(main())
finally:
    over.set()
    for thread in threads:
        thread.join()
print("done", flush=True)
