"""A worker that serves one page, and a WebSocket that sends back what it gets."""

import asyncio
import http
import json
import os
import socket
import urllib.parse

import herd
import websockets

PAGE = b"""<!doctype html><title>herd</title><script>
const socket = new WebSocket('ws://' + location.host + location.pathname + 'echo' + location.search);
socket.onopen = () => socket.send('from the page');
socket.onmessage = message => fetch(location.pathname + 'said' + location.search + '&text=' +
                                    encodeURIComponent(message.data));
</script>"""


async def echo(connection, _path):
    async for message in connection:
        await connection.send(message)


async def answer(path, headers):
    """None: it is a WebSocket."""
    if headers.get("Upgrade", "").lower() == "websocket":
        return None
    url = urllib.parse.urlsplit(path)
    if url.path.endswith("/said"):
        print("page got:", urllib.parse.parse_qs(url.query)["text"][0], flush=True)
        return http.HTTPStatus.NO_CONTENT, [], b""
    if url.path.endswith("/about"):
        body = json.dumps({"worker": os.environ["HERD_WORKER_ID"], "pid": os.getpid()}).encode()
        return http.HTTPStatus.OK, [("Content-Type", "application/json")], body
    return http.HTTPStatus.OK, [("Content-Type", "text/html")], PAGE


async def main():
    listener = socket.socket(fileno=3)
    server = await websockets.unix_serve(echo, sock=listener, process_request=answer, max_size=8 << 20)
    herd.enter_sandbox()
    herd.notify_ready()
    await server.wait_closed()


asyncio.run(main())
