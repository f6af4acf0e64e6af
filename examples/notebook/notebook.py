#!/usr/bin/python3
"""notebook: a Python session behind HTTP. Its variables live in the process, so a session is a notebook.

    POST /eval        body: expression or statements -> {"value", "output", "error"}
    GET  /variables   {"variables": {name: repr}}
    GET  /health      200
    GET  /            who am I

What the code may do is not checked here: that is the sandbox's part.
"""

import ast
import contextlib
import http.server
import io
import json
import os
import socketserver
import sys
import traceback

import herd

MAX_REQUEST = 1 << 20
MAX_SHOWN = 200
CLIENT_TIMEOUT_S = 10


class Notebook:
    """The session's variables. Knows nothing of HTTP."""

    def __init__(self):
        self.names = {"__name__": "__main__"}

    def evaluate(self, code):
        """Runs the statements; where the last one is an expression its repr is the value."""
        output = io.StringIO()
        value = error = None
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                result = self._run(ast.parse(code, "<notebook>"))
                value = None if result is None else repr(result)
            except BaseException:  # exit() and Ctrl-C end the code, not the notebook
                error = traceback.format_exc()
        return {"value": value, "output": output.getvalue(), "error": error}

    def _run(self, tree):
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, "<notebook>", "exec"), self.names)
        return eval(compile(last, "<notebook>", "eval"), self.names) if last else None

    def variables(self):
        own = {name: value for name, value in self.names.items() if not name.startswith("__")}
        return {name: self._shown(value) for name, value in own.items()}

    @staticmethod
    def _shown(value):
        try:
            return repr(value)[:MAX_SHOWN]
        except Exception as error:
            return f"<its repr raised {type(error).__name__}>"


class Handler(http.server.BaseHTTPRequestHandler):
    # One request a connection (HTTP/1.0): with one thread, one that stays would keep all others out.
    timeout = CLIENT_TIMEOUT_S

    def do_GET(self):
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path == "/variables":
            self._answer(200, {"variables": self.server.notebook.variables()})
        elif self.path == "/":
            self._answer(200, self.server.identity)
        else:
            self._refuse(404, "not_found", f"there is no {self.path}")

    def do_POST(self):
        if self.path != "/eval":
            return self._refuse(404, "not_found", f"there is no {self.path}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._refuse(411, "length_required", "a request needs its Content-Length")
        if len(length) > 10 or int(length) > MAX_REQUEST:
            return self._refuse(413, "body_too_large", f"a request has {MAX_REQUEST} bytes at most")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self._refuse(400, "body_incomplete", "the request ended early")
        try:
            code = body.decode()
        except UnicodeDecodeError:
            return self._refuse(400, "not_utf8", "the code is not UTF-8")
        return self._answer(200, self.server.notebook.evaluate(code))

    def _refuse(self, status, code, message):
        self._answer(status, {"error": {"code": code, "message": message}})

    def _answer(self, status, content):
        # Escaped, as a value's repr may hold lone surrogates, which have no UTF-8.
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code, message=None, explain=None):
        """What the base class refuses by itself (an unknown method, a bad request line) is JSON too."""
        self.close_connection = True
        self._refuse(code, "bad_request", message or "")

    def log_message(self, format, *args):
        """One line a message; the base class shows an address, which a unix client has not."""
        print(ascii(format % args), file=sys.stderr, flush=True)


class Server(http.server.HTTPServer):
    """Serves on a listener that someone else made."""

    def __init__(self, listener, identity):
        socketserver.BaseServer.__init__(self, listener.getsockname(), Handler)
        self.socket = listener
        self.identity = identity
        self.notebook = Notebook()


def main():
    listener = herd.listen_socket()
    if listener is None:
        sys.exit("notebook: no listener was passed: run it as a herd worker, or with a .socket unit")
    sandbox = herd.enter_sandbox()
    identity = {
        "pool": os.environ.get("HERD_POOL"),
        "worker": os.environ.get("HERD_WORKER_ID"),
        "pid": os.getpid(),
        "python": sys.version.split()[0],
        "sandbox": sandbox,
    }
    with Server(listener, identity) as server:
        herd.notify_ready()
        server.serve_forever(poll_interval=None)


if __name__ == "__main__":
    main()
