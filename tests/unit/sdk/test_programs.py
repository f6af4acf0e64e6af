"""The shipped examples and the tests' own worker, started as herd starts them: a listener at fd 3, a notify
socket, a compiled filter. HERD_ECHO_WORKER and HERD_TESTEE name the built programs.
"""

import contextlib
import errno
import fcntl
import http.client
import json
import os
import pathlib
import select
import signal
import socket
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ECHO = [os.environ["HERD_ECHO_WORKER"]]
NOTEBOOK = [sys.executable, "-B", str(ROOT / "examples/notebook/notebook.py")]
TESTEE = os.environ["HERD_TESTEE"]
GETPPID = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
PATIENCE_S = 20

ALLOW = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
DENY_GETPPID = (
    struct.pack("=HBBI", 0x20, 0, 0, 0)  # load the syscall's number
    + struct.pack("=HBBI", 0x15, 0, 1, GETPPID)
    + struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | errno.EPERM)
    + ALLOW
)


def filter_fd(content):
    fd = os.memfd_create("filter", os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return fd


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("worker", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self.path)


class Worker:
    """A started worker. Use it in a `with`: at its end the process is killed and everything closed."""

    def __init__(self, argv, family=socket.AF_UNIX, environment=None):
        self.closing = contextlib.ExitStack()
        directory = self.closing.enter_context(tempfile.TemporaryDirectory())
        self.listener = self.closing.enter_context(socket.socket(family))
        self.listener.bind(directory + "/listen" if family == socket.AF_UNIX else ("127.0.0.1", 0))
        self.listener.listen()
        self.notices = self.closing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.notices.bind(directory + "/notify")
        self.notices.settimeout(PATIENCE_S)
        self.output, output_end = os.pipe()
        self.closing.callback(os.close, self.output)
        self.pid = self._spawn(argv, output_end, directory, environment or {})
        os.close(output_end)
        self.status = None

    def _spawn(self, argv, output_end, directory, environment):
        passed_filter = filter_fd(DENY_GETPPID)
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "sdk/python"),
            "HERD_POOL": "test",
            "HERD_WORKER_ID": "test-1",
            "HERD_SECCOMP_PROFILE": "errno",
            "HERD_SECCOMP_FD": "4",
            "NOTIFY_SOCKET": directory + "/notify",
            "LISTEN_FDS": "1",
            "ASAN_OPTIONS": "detect_leaks=0",  # which its filter would not allow; only sanitized programs read it
            **environment,
        }
        # Out of each other's way before they are put at 3 and 4.
        ends = (self.listener.fileno(), passed_filter, output_end)
        passed = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in ends]
        actions = [(os.POSIX_SPAWN_DUP2, passed[0], 3), (os.POSIX_SPAWN_DUP2, passed[1], 4)]
        actions.append((os.POSIX_SPAWN_DUP2, passed[2], 1))
        # Only the process itself knows its pid, which LISTEN_PID has to be.
        shell = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *argv]
        pid = os.posix_spawn("/bin/sh", shell, variables, file_actions=actions)
        for fd in [*passed, passed_filter]:
            os.close(fd)
        return pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.closing.close()

    def next_notice(self):
        return self.notices.recv(4096).decode()

    def next_line(self):
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.output], [], [], PATIENCE_S)
            byte = os.read(self.output, 1) if ready else b""
            if not byte:
                raise AssertionError(f"no whole line came, only {line!r}")
            line += byte
        return line.decode()

    def connect(self):
        address = self.listener.getsockname()
        if isinstance(address, str):
            return UnixConnection(address)
        return http.client.HTTPConnection(*address, timeout=PATIENCE_S)

    def wait_for_end(self):
        """Its exit code, or minus its signal."""
        pidfd = os.pidfd_open(self.pid)
        try:
            if not select.select([pidfd], [], [], PATIENCE_S)[0]:
                raise AssertionError("it did not end")
        finally:
            os.close(pidfd)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def field(self, name):
        with open(f"/proc/{self.pid}/status") as status:
            return next(line.split()[1] for line in status if line.startswith(name + ":"))


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.read()


class Programs(unittest.TestCase):
    def started(self, argv, **options):
        worker = self.enterContext(Worker(argv, **options))
        self.assertEqual(worker.next_notice(), "READY=1")
        return worker

    def opened(self, worker):
        return self.enterContext(contextlib.closing(worker.connect()))


class Echo(Programs):
    def test_is_sandboxed_once_it_is_ready(self):
        worker = self.started(ECHO)
        self.assertEqual((worker.field("Seccomp"), worker.field("NoNewPrivs")), ("2", "1"))

    def test_counts_in_memory_over_one_connection_and_over_many(self):
        for family in (socket.AF_UNIX, socket.AF_INET):
            worker = self.started(ECHO, family=family, environment={"GREETING": "hello"})
            first = self.opened(worker)
            connections = (first, first, self.opened(worker))
            answers = [json.loads(ask(connection, "GET", "/")[1]) for connection in connections]
            self.assertEqual([answer["requests"] for answer in answers], [1, 2, 3])
            identity = {"worker": "test-1", "pool": "test", "pid": worker.pid, "greeting": "hello"}
            self.assertEqual(answers[0], {**identity, "requests": 1, "bytes": 0})

    def test_gives_back_what_it_gets(self):
        worker = self.started(ECHO)
        connection = self.opened(worker)
        body = bytes(range(256)) * 4096  # 1 MiB, the bound
        self.assertEqual(ask(connection, "POST", "/", body), (200, body))
        self.assertEqual(json.loads(ask(connection, "GET", "/")[1])["bytes"], len(body))
        too_much = {"Content-Length": str(len(body) + 1)}
        self.assertEqual(ask(self.opened(worker), "POST", "/", headers=too_much)[0], 413)

    def test_a_health_check_counts_as_no_request(self):
        connection = self.opened(self.started(ECHO))
        self.assertEqual(ask(connection, "GET", "/health"), (200, b"ok\n"))
        self.assertEqual(json.loads(ask(connection, "GET", "/")[1])["requests"], 1)

    def test_refuses_what_it_does_not_know(self):
        connection = self.opened(self.started(ECHO))
        self.assertEqual(ask(connection, "GET", "/else"), (404, b'{"error":{"code":"not_found"}}\n'))
        self.assertEqual(ask(connection, "DELETE", "/")[0], 405)

    def test_sigterm_ends_it_though_a_connection_is_open(self):
        worker = self.started(ECHO)
        connection = self.opened(worker)
        ask(connection, "GET", "/")
        os.kill(worker.pid, signal.SIGTERM)
        self.assertEqual(worker.wait_for_end(), 0)
        self.assertEqual(worker.next_notice(), "STOPPING=1")

    def test_does_not_serve_without_its_filter(self):
        worker = self.enterContext(Worker(ECHO, environment={"HERD_SECCOMP_FD": "40"}))
        self.assertEqual(worker.wait_for_end(), 1)


class Notebook(Programs):
    def evaluate(self, worker, code):
        status, body = ask(self.opened(worker), "POST", "/eval", code)
        self.assertEqual(status, 200)
        return json.loads(body)

    def test_keeps_its_variables(self):
        worker = self.started(NOTEBOOK)
        self.assertEqual(self.evaluate(worker, "x = 20\nx + 1"), {"value": "21", "output": "", "error": None})
        self.assertEqual(self.evaluate(worker, "def twice(n): return 2 * n")["value"], None)
        result = self.evaluate(worker, "print('hi'); twice(x)")
        self.assertEqual(result, {"value": "40", "output": "hi\n", "error": None})
        variables = json.loads(ask(self.opened(worker), "GET", "/variables")[1])["variables"]
        self.assertEqual((sorted(variables), variables["x"]), (["twice", "x"], "20"))

    def test_an_error_is_an_answer(self):
        worker = self.started(NOTEBOOK)
        for code, name in (("1/0", "ZeroDivisionError"), ("a b", "SyntaxError"), ("exit(3)", "SystemExit")):
            result = self.evaluate(worker, code)
            self.assertIsNone(result["value"])
            self.assertIn(name, result["error"])

    def test_what_the_filter_denies_the_code_cannot_do(self):
        worker = self.started(NOTEBOOK)
        self.assertEqual(json.loads(ask(self.opened(worker), "GET", "/")[1])["sandbox"], "entered")
        self.assertEqual(self.evaluate(worker, "import os; os.getppid()")["value"], "-1")
        self.assertEqual(worker.field("Seccomp"), "2")

    def test_requests_are_bounded_and_refusals_are_json(self):
        worker = self.started(NOTEBOOK)
        for method, path, body, headers, status, code in (
            ("POST", "/eval", b"", {"Content-Length": str((1 << 20) + 1)}, 413, "body_too_large"),
            ("POST", "/eval", b"", {"Content-Length": "x"}, 411, "length_required"),
            ("POST", "/eval", b"\xff", {}, 400, "not_utf8"),
            ("POST", "/else", b"", {}, 404, "not_found"),
            ("GET", "/else", None, {}, 404, "not_found"),
            ("BREW", "/", None, {}, 501, "bad_request"),
        ):
            answer = ask(self.opened(worker), method, path, body, headers)
            self.assertEqual((answer[0], json.loads(answer[1])["error"]["code"]), (status, code))
        self.assertEqual(self.evaluate(worker, b"#" * (1 << 20))["error"], None)
        self.assertEqual(ask(self.opened(worker), "GET", "/health")[0], 200)


class Testee(Programs):
    def test_serves(self):
        worker = self.started([TESTEE, "serve"])
        connection = self.opened(worker)
        answers = [json.loads(ask(connection, "GET", "/any?x=1")[1]) for _ in range(2)]
        self.assertLessEqual(
            {"pid": worker.pid, "worker": "test-1", "pool": "test", "requests": 2}.items(), answers[1].items()
        )
        self.assertEqual(ask(connection, "POST", "/echo", b"x" * 100_000), (200, b"x" * 100_000))
        self.assertEqual(ask(connection, "GET", "/health")[0], 200)
        ask(connection, "GET", "/unhealthy")
        self.assertEqual(ask(connection, "GET", "/health")[0], 500)
        self.assertEqual(worker.field("Seccomp"), "2")

    def test_ends_as_it_is_asked_to(self):
        worker = self.started([TESTEE, "serve"])
        self.assertEqual(ask(self.opened(worker), "GET", "/exit?code=7")[0], 200)
        self.assertEqual(worker.wait_for_end(), 7)
        worker = self.started([TESTEE, "serve"])
        with self.assertRaises(http.client.RemoteDisconnected):
            ask(self.opened(worker), "GET", "/crash")
        self.assertEqual(worker.wait_for_end(), -signal.SIGSEGV)

    def test_skips_the_sandbox_where_it_should(self):
        for behaviour in ("serve-no-sandbox", "serve-old-order"):
            worker = self.started([TESTEE, behaviour])
            self.assertEqual(ask(self.opened(worker), "GET", "/")[0], 200)
            self.assertEqual(worker.field("Seccomp"), "0")

    def test_threads_all_follow_or_none_does(self):
        worker = self.started([TESTEE, "threads-then-enter"])
        self.assertEqual(json.loads(worker.next_line())["state"], "entered")
        threads = json.loads(worker.next_line())
        self.assertEqual([(thread["NoNewPrivs"], thread["Seccomp"]) for thread in threads], [("1", "2")] * 4)
        worker = self.started([TESTEE, "tsync-fail"])
        self.assertEqual(json.loads(worker.next_line())["result"], -errno.ESRCH)
        self.assertEqual(worker.field("Seccomp"), "0")

    def test_the_least_worker_is_one(self):
        worker = self.started([TESTEE + "-min"])
        self.assertEqual(worker.field("Seccomp"), "2")

    def test_prints_the_environment_that_it_got(self):
        worker = self.started([TESTEE, "print-env"], environment={"GREETING": "h\u00e9llo"})
        self.assertIn("GREETING=h\u00e9llo", json.loads(worker.next_line()))

    def test_ignores_sigterm_where_it_should(self):
        worker = self.started([TESTEE, "ignore-term"])
        os.kill(worker.pid, signal.SIGTERM)
        self.assertEqual(ask(self.opened(worker), "GET", "/")[0], 200)

    def test_a_child_says_ready(self):
        worker = self.started([TESTEE, "ready-from-child"])
        os.kill(worker.pid, signal.SIGTERM)
        self.assertEqual(worker.wait_for_end(), -signal.SIGTERM)

    def test_writes_what_it_is_told_to(self):
        worker = self.started([TESTEE, "flood", "3"])
        self.assertEqual([worker.next_line() for _ in range(3)], ["line 0\n", "line 1\n", "line 2\n"])
        worker = self.started([TESTEE, "long-line", "1000"])
        self.assertEqual([worker.next_line(), worker.next_line()], ["x" * 1000 + "\n", "after\n"])


if __name__ == "__main__":
    unittest.main()
