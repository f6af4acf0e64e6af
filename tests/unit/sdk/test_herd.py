"""The Python side of the SDK: the rules of the C library, case by case.

A filter is for good and the environment is the process's, so every case runs in a forked child.
"""

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import herd

GETPPID = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
SECCOMP = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
CONTRACT = (
    "HERD_POOL HERD_WORKER_ID HERD_SECCOMP_PROFILE HERD_SECCOMP_FD HERD_SECCOMP_DENIALS "
    "NOTIFY_SOCKET LISTEN_FDS LISTEN_PID LISTEN_FDNAMES"
).split()
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
ALLOW = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
DENY_GETPPID = (
    struct.pack("=HBBI", 0x20, 0, 0, 0)  # load the syscall's number
    + struct.pack("=HBBI", 0x15, 0, 1, GETPPID)
    + struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | errno.EPERM)
    + ALLOW
)
ASK_ABOUT_GETPPID = DENY_GETPPID[:16] + struct.pack("=HBBI", 0x06, 0, 0, 0x7FC00000) + ALLOW
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101
libc = ctypes.CDLL(None, use_errno=True)


def in_child(body):
    """What `body` returns, from a forked child; ["WorkerError", errno, sentence] where it raised."""
    reader, writer = os.pipe()
    # Out of the way of fd 3, which the listener's tests replace.
    high = fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(writer)
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            for name in CONTRACT:
                os.environ.pop(name, None)
            result = body()
        except herd.WorkerError as error:
            result = [type(error).__name__, error.errno, error.strerror]
        except BaseException as error:
            result = ["unexpected", repr(error)]
        os.write(high, json.dumps(result).encode())
        os._exit(0)
    os.close(high)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "signal " + signal.Signals(os.WTERMSIG(status)).name
    return json.loads(text)


def memfd_with(content, seals=SEALS):
    fd = os.memfd_create("filter", os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def enter_with(policy, fd):
    os.environ.update(HERD_WORKER_ID="web-1", HERD_SECCOMP_PROFILE=policy, HERD_SECCOMP_FD=str(fd))
    return herd.enter_sandbox()


def try_getppid():
    return "EPERM" if libc.syscall(GETPPID) == -1 and ctypes.get_errno() == errno.EPERM else "allowed"


def status_field(name):
    with open("/proc/thread-self/status") as status:
        return next(line.split()[1] for line in status if line.startswith(name + ":"))


def install_alone(content):
    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    libc.prctl(38, 1, 0, 0, 0)
    return libc.syscall(SECCOMP, 1, 0, ctypes.byref(Program(len(content) // 8, content)))


def refused(code, sentence):
    return ["SandboxError", code, "enter sandbox: " + sentence]


class Sandbox(unittest.TestCase):
    def test_does_nothing_where_herd_is_not_around(self):
        result = in_child(lambda: [herd.enter_sandbox(), status_field("Seccomp")])
        self.assertEqual(result, ["not_under_herd", "0"])

    def test_does_nothing_with_policy_off(self):
        def body():
            os.environ.update(HERD_WORKER_ID="web-1", HERD_SECCOMP_PROFILE="off")
            return [herd.enter_sandbox(), status_field("Seccomp")]

        self.assertEqual(in_child(body), ["off", "0"])

    def test_off_beside_a_filter_is_a_contradiction(self):
        self.assertEqual(
            in_child(lambda: enter_with("off", memfd_with(DENY_GETPPID))),
            refused(errno.EINVAL, "HERD_SECCOMP_PROFILE is 'off', yet HERD_SECCOMP_FD is set"),
        )

    def test_a_missing_policy_under_herd_is_an_error(self):
        for mark in ("HERD_WORKER_ID", "HERD_POOL", "HERD_SECCOMP_FD"):

            def body(mark=mark):
                os.environ[mark] = "7"
                return herd.enter_sandbox()

            self.assertEqual(
                in_child(body), refused(errno.EINVAL, f"{mark} is set, yet HERD_SECCOMP_PROFILE is missing")
            )

    def test_an_unknown_policy_is_an_error(self):
        for word in ("", "Off", "off ", "none", "errno,log", "0"):
            self.assertEqual(
                in_child(lambda word=word: enter_with(word, memfd_with(ALLOW))),
                refused(errno.EINVAL, f"HERD_SECCOMP_PROFILE is '{word}', not off, log, errno or kill"),
            )

    def test_a_missing_filter_is_an_error_for_every_policy_but_off(self):
        for policy in ("log", "errno", "kill"):

            def body(policy=policy):
                os.environ["HERD_SECCOMP_PROFILE"] = policy
                return herd.enter_sandbox()

            self.assertEqual(in_child(body), refused(errno.EINVAL, "HERD_SECCOMP_FD is missing"))

    def test_the_filters_fd_is_digits_alone(self):
        for text in ("", "-1", "+5", " 5", "5 ", "5x", "0x5", "1_0", "\u0665", "2147483648", "9" * 5000):
            self.assertEqual(
                in_child(lambda text=text: enter_with("errno", text)),
                refused(errno.EINVAL, f"HERD_SECCOMP_FD is '{text[:40]}', not a number"),
            )

    def test_a_closed_fd_is_an_error(self):
        self.assertEqual(
            in_child(lambda: enter_with("errno", 1000)),
            refused(errno.EBADF, "HERD_SECCOMP_FD 1000 is not open"),
        )

    def test_an_fd_that_is_no_memfd_is_an_error(self):
        result = in_child(lambda: enter_with("errno", os.open("/proc/self/exe", os.O_RDONLY)))
        self.assertEqual(result[:2], ["SandboxError", errno.EINVAL])
        self.assertRegex(result[2], "HERD_SECCOMP_FD [0-9]+ is not a memfd")

    def test_a_memfd_that_can_still_change_is_an_error(self):
        for seals in (0, SEALS & ~fcntl.F_SEAL_GROW, SEALS & ~fcntl.F_SEAL_WRITE):
            result = in_child(lambda seals=seals: enter_with("errno", memfd_with(DENY_GETPPID, seals)))
            self.assertEqual(result[:2], ["SandboxError", errno.EPERM])
            self.assertIn("is not sealed", result[2])

    def test_a_filter_is_whole_instructions(self):
        for size in (0, 1, 7, 9, 31):
            self.assertEqual(
                in_child(lambda size=size: enter_with("errno", memfd_with(bytes(size)))),
                refused(errno.EINVAL, f"the filter has {size} bytes, not a number of whole instructions"),
            )

    def test_the_longest_filter_is_taken_and_one_more_is_not(self):
        self.assertEqual(in_child(lambda: enter_with("errno", memfd_with(ALLOW * 4096))), "entered")
        self.assertEqual(
            in_child(lambda: enter_with("errno", memfd_with(ALLOW * 4097))),
            refused(errno.E2BIG, "the filter has 4097 instructions, the kernel takes 4096"),
        )

    def test_a_filter_that_the_kernel_refuses_is_an_error(self):
        result = in_child(lambda: enter_with("errno", memfd_with(DENY_GETPPID[:8])))  # it never returns
        self.assertEqual(result, refused(errno.EINVAL, "install the filter: Invalid argument"))

    def test_the_filter_works_for_each_policy(self):
        for policy in ("log", "errno", "kill"):
            self.assertEqual(
                in_child(
                    lambda policy=policy: [
                        try_getppid(),
                        enter_with(policy, memfd_with(DENY_GETPPID)),
                        try_getppid(),
                        status_field("Seccomp"),
                        status_field("NoNewPrivs"),
                    ]
                ),
                ["allowed", "entered", "EPERM", "2", "1"],
            )

    def test_a_listener_is_handed_over_for_all_threads_and_not_kept(self):
        def body():
            name = f"herd-sdk-test-{os.getpid()}"
            receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            receiver.bind("\0" + name)
            os.environ.update(NOTIFY_SOCKET="@" + name, HERD_SECCOMP_DENIALS="notify")
            entered, seen = threading.Event(), []

            def work():
                entered.wait()
                seen.append(try_getppid())

            thread = threading.Thread(target=work)
            thread.start()
            result = enter_with("errno", memfd_with(ASK_ABOUT_GETPPID))
            text, fds, _, _ = socket.recv_fds(receiver, 256, 1)
            open_files = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
            links = [os.readlink(file) for file in open_files if os.path.lexists(file)]
            entered.set()
            asked = bytearray(80)
            fcntl.ioctl(fds[0], NOTIF_RECV, asked)
            (call,) = struct.unpack_from("=Q", asked)
            fcntl.ioctl(fds[0], NOTIF_SEND, struct.pack("=QqiI", call, 0, -errno.EPERM, 0))
            thread.join()
            receiver.close()
            return [result, text.decode(), links.count("anon_inode:seccomp notify"), seen]

        self.assertEqual(in_child(body), ["entered", "FDSTORE=1\nFDNAME=seccomp", 1, ["EPERM"]])

    def test_a_listener_that_cannot_be_handed_over_is_an_error_before_the_filter(self):
        def body():
            os.environ.update(HERD_SECCOMP_DENIALS="notify")
            try:
                enter_with("errno", memfd_with(ASK_ABOUT_GETPPID))
            except herd.SandboxError as error:
                return [error.strerror, try_getppid()]
            return "not raised"

        sentence = "enter sandbox: HERD_SECCOMP_DENIALS is set, yet NOTIFY_SOCKET is missing"
        self.assertEqual(in_child(body), [sentence, "allowed"])

    def test_an_unknown_way_of_seeing_denials_is_an_error(self):
        def body():
            os.environ.update(HERD_SECCOMP_DENIALS="later")
            return enter_with("errno", memfd_with(DENY_GETPPID))

        self.assertEqual(
            in_child(body), refused(errno.EINVAL, "HERD_SECCOMP_DENIALS is 'later', not notify")
        )

    def test_the_filter_is_read_from_its_start_and_its_fd_closed(self):
        def body():
            fd = memfd_with(DENY_GETPPID)
            os.lseek(fd, 16, os.SEEK_SET)
            result = enter_with("errno", fd)
            return [result, os.path.exists(f"/proc/self/fd/{fd}")]

        self.assertEqual(in_child(body), ["entered", False])

    def test_a_failed_call_leaves_the_process_as_it_was(self):
        def body():
            fd = memfd_with(DENY_GETPPID, 0)
            try:
                enter_with("errno", fd)
            except herd.SandboxError:
                return [os.path.exists(f"/proc/self/fd/{fd}"), try_getppid(), status_field("NoNewPrivs")]
            return "not raised"

        self.assertEqual(in_child(body), [True, "allowed", "0"])

    def test_a_second_call_says_so_and_adds_nothing(self):
        self.assertEqual(
            in_child(
                lambda: [
                    enter_with("errno", memfd_with(DENY_GETPPID)),
                    herd.enter_sandbox(),
                    status_field("Seccomp_filters"),
                ]
            ),
            ["entered", "already_entered", "1"],
        )

    def test_every_thread_gets_the_filter(self):
        def body():
            entered, seen = threading.Event(), []

            def work():
                entered.wait()
                seen.append(try_getppid() + status_field("NoNewPrivs"))

            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            result = enter_with("errno", memfd_with(DENY_GETPPID))
            entered.set()
            for thread in threads:
                thread.join()
            return [result, seen]

        self.assertEqual(in_child(body), ["entered", ["EPERM1"] * 3])

    def test_a_thread_that_cannot_follow_is_a_failure(self):
        def body():
            installed, done = threading.Event(), threading.Event()

            def work():
                install_alone(ALLOW)
                installed.set()
                done.wait()

            thread = threading.Thread(target=work)
            thread.start()
            installed.wait()
            try:
                return enter_with("errno", memfd_with(DENY_GETPPID))
            finally:
                done.set()
                thread.join()

        result = in_child(body)
        self.assertEqual(result[:2], ["SandboxError", errno.ESRCH])
        self.assertRegex(result[2], "thread [0-9]+ has a filter of its own")

    def test_importing_it_loads_nothing_heavy(self):
        heavy = "{'ctypes', 'socket', 'threading', 'enum', 'typing'}"
        code = f"import sys, herd; print(sorted({heavy} & set(sys.modules)))"
        environment = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.dirname(herd.__file__)))
        loaded = subprocess.check_output([sys.executable, "-S", "-c", code], env=environment, text=True)
        self.assertEqual(loaded, "[]\n")


class Notify(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def receive_all(self, name, body):
        """What `body` returned in a child, and the datagrams that came."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind("\0" + name[1:] if name[0] == "@" else name)
            receiver.setblocking(False)

            def named():
                os.environ["NOTIFY_SOCKET"] = name
                return body()

            result, messages = in_child(named), []
            try:
                while True:
                    messages.append(receiver.recv(4096).decode())
            except BlockingIOError:
                return result, messages

    def test_without_a_socket_there_is_nothing_to_do(self):
        self.assertEqual(in_child(herd.notify_ready), False)

    def test_sends_one_datagram_a_message(self):
        for name in (self.directory.name + "/notify", f"@herd-python-{os.getpid()}"):
            result, messages = self.receive_all(
                name,
                lambda: [herd.notify_status("loading, 40 %"), herd.notify_ready(), herd.notify_stopping()],
            )
            self.assertEqual(result, [True, True, True])
            self.assertEqual(messages, ["STATUS=loading, 40 %", "READY=1", "STOPPING=1"])

    def test_a_status_is_one_bounded_line(self):
        name = self.directory.name + "/notify"
        for text, code in (("x\nREADY=1", errno.EINVAL), ("x\0y", errno.EINVAL), ("x" * 1025, errno.E2BIG)):
            result, messages = self.receive_all(name, lambda text=text: herd.notify_status(text))
            self.assertEqual((result[:2], messages), (["WorkerError", code], []))
            os.unlink(name)
        _, messages = self.receive_all(name, lambda: herd.notify_status("x" * 1024))
        self.assertEqual(messages, ["STATUS=" + "x" * 1024])

    def test_only_paths_and_abstract_names_are_taken(self):
        for name, code in (
            ("relative/path", errno.EINVAL),
            ("@", errno.EINVAL),
            ("vsock:2:1234", errno.EINVAL),
            ("/" + "n" * 107, errno.ENAMETOOLONG),
            (self.directory.name + "/gone", errno.ENOENT),
        ):

            def body(name=name):
                os.environ["NOTIFY_SOCKET"] = name
                return herd.notify_ready()

            self.assertEqual(in_child(body)[:2], ["WorkerError", code])


class Listen(unittest.TestCase):
    @staticmethod
    def passed(family=socket.AF_UNIX, listening=True, **variables):
        """What listen_socket() says in a child with such a socket at fd 3."""

        def body():
            passed = socket.socket(family, socket.SOCK_STREAM)
            passed.bind(("127.0.0.1", 0) if family == socket.AF_INET else "")
            if listening:
                passed.listen()
            if passed.fileno() != 3:
                os.dup2(passed.fileno(), 3)
            else:
                passed.detach()
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
            os.environ.update(variables)
            listener = herd.listen_socket()
            if listener is None:
                return None
            return [listener.family == family, os.get_inheritable(3), listener.detach()]

        return in_child(body)

    def test_takes_a_listener_of_either_family(self):
        for family in (socket.AF_UNIX, socket.AF_INET):
            self.assertEqual(self.passed(family), [True, False, 3])

    def test_there_may_be_none(self):
        self.assertIsNone(in_child(lambda: herd.listen_socket()))

    def test_another_processes_listener_is_not_taken(self):
        for pid in ("1", "", "-1", "x"):
            self.assertIsNone(self.passed(LISTEN_PID=pid))

    def test_the_count_is_a_number_above_zero(self):
        for count in ("0", "", "-1", "1x"):
            self.assertEqual(self.passed(LISTEN_FDS=count)[:2], ["WorkerError", errno.EINVAL])

    def test_fd_3_must_be_a_listening_socket(self):
        self.assertEqual(self.passed(listening=False)[:2], ["WorkerError", errno.EINVAL])

        def not_a_socket():
            os.dup2(os.open("/dev/null", os.O_RDONLY), 3)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
            return herd.listen_socket()

        self.assertEqual(in_child(not_a_socket)[:2], ["WorkerError", errno.ENOTSOCK])


if __name__ == "__main__":
    unittest.main()
