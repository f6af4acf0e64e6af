"""A headless Chromium of one's own, through the gateway: devtools_client.py HOST:PORT SESSION"""

import asyncio
import json
import sys
import urllib.request

import websockets


def get(address, session, path, method="GET"):
    request = urllib.request.Request(f"http://{address}{path}", headers={"X-Session-ID": session}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


async def main(address, session):
    assert "Chrome" in get(address, session, "/json/version")["Browser"]
    page = get(address, session, "/json/new?about:blank", "PUT")
    path = page["webSocketDebuggerUrl"].split("/", 3)[3]
    async with websockets.connect(f"ws://{address}/{path}", extra_headers={"X-Session-ID": session}) as connection:
        expression = f"document.title = {session!r}; 6 * 7"
        await connection.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}))
        while (answer := json.loads(await connection.recv())).get("id") != 1:
            pass
        assert answer["result"]["result"]["value"] == 42, answer
    print("ok", sorted(target["title"] for target in get(address, session, "/json/list")))


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 90))
