"""Python's websockets through the gateway: websockets_client.py ws://HOST:PORT/PATH SESSION"""

import asyncio
import sys

import websockets


async def main(url, session):
    async with websockets.connect(url, extra_headers={"X-Session-ID": session}, max_size=8 << 20) as connection:
        for number in range(100):
            await connection.send(f"message {number}")
            assert await connection.recv() == f"message {number}"
        large = bytes(range(256)) * 16384  # 4 MiB
        await connection.send(large)
        assert await connection.recv() == large
        await (await connection.ping())
    assert connection.close_code == 1000, connection.close_code
    print("ok")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
