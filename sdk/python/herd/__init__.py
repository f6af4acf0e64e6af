"""What a worker tells herd, and how it closes the sandbox behind itself. Standard library alone.

    listener = herd.listen_socket()   # take the listener, import, open files, start threads
    herd.enter_sandbox()
    herd.notify_ready()               # from here on requests come

The same rules as the C library, to the word: see docs/guide/writing-a-worker.md.
"""

from __future__ import annotations

import _thread
import errno
import os
import stat

TYPE_CHECKING = False  # as type checkers know it; importing typing would cost more than all of this
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = [
    "ALREADY_ENTERED",
    "ENTERED",
    "NOT_UNDER_HERD",
    "OFF",
    "SandboxError",
    "WorkerError",
    "enter_sandbox",
    "listen_socket",
    "notify_ready",
    "notify_status",
    "notify_stopping",
]

ENTERED = "entered"
OFF = "off"
NOT_UNDER_HERD = "not_under_herd"
ALREADY_ENTERED = "already_entered"

_POLICIES = ("off", "log", "errno", "kill")
_FIRST_PASSED_FD = 3
_INSTRUCTION_SIZE = 8
_MAX_INSTRUCTIONS = 4096
_MAX_STATUS = 1024
_MAX_SOCKET_NAME = 107
_MAX_INT = 2**31 - 1
_NO_SWITCH = 3600.0  # seconds

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
_SECCOMP_FILTER_FLAG_LOG = 2
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
_SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16
_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32
_LISTENER_MESSAGE = b"FDSTORE=1\nFDNAME=seccomp"
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277, "riscv64": 277}

_lock = _thread.allocate_lock()
_entered = False


class WorkerError(OSError):
    """A call to herd failed; `errno` and a sentence."""


class SandboxError(WorkerError):
    """The sandbox could not be entered. Let it end the worker: herd would not serve it anyway."""


def enter_sandbox() -> str:
    """Installs the pool's seccomp filter in every thread of the process, for good.

    Call it once start-up is done and before notify_ready(). Returns ENTERED, OFF (the pool's policy),
    NOT_UNDER_HERD (started by hand) or ALREADY_ENTERED. Anything else raises: it never falls open.
    """
    global _entered
    with _lock:
        if _entered:
            return ALREADY_ENTERED
        policy = _read_policy()
        if policy is None:
            return NOT_UNDER_HERD
        if policy == "off":
            # herd passes no filter with `off`: someone between it and us rewrote the word.
            if "HERD_SECCOMP_FD" in os.environ:
                raise _sandbox_error(
                    errno.EINVAL, "HERD_SECCOMP_PROFILE is 'off', yet HERD_SECCOMP_FD is set"
                )
            return OFF
        fd = _filter_fd()
        if os.environ.get("NOTIFY_SOCKET"):
            import socket  # noqa: F401  notify_ready() comes next, when loading a module may be denied
        content = _read_filter(fd)
        if _is_answered():
            _install_answered(content)
        else:
            _install(content, policy)
        _entered = True
        os.close(fd)
        return ENTERED


def notify_ready() -> bool:
    """Tells herd that requests may come. False where there is no NOTIFY_SOCKET."""
    return _notify(b"READY=1")


def notify_stopping() -> bool:
    return _notify(b"STOPPING=1")


def notify_status(text: str) -> bool:
    """One line for people, of at most 1024 bytes."""
    line = text.encode()
    # A second line would be a field of its own: "x\nREADY=1". A zero ends the text in the C library.
    if b"\n" in line or b"\0" in line:
        raise WorkerError(errno.EINVAL, "notify: a status text is one line")
    if len(line) > _MAX_STATUS:
        raise WorkerError(errno.E2BIG, f"notify: a status text has {_MAX_STATUS} bytes at most")
    return _notify(b"STATUS=" + line)


def listen_socket() -> socket.socket | None:
    """The listener that herd passed (systemd's LISTEN_FDS), None where none is meant for this process.

    The caller owns it: take it once.
    """
    import socket

    count, pid = os.environ.get("LISTEN_FDS"), os.environ.get("LISTEN_PID")
    # A child inherits the variables, yet not the socket's ownership: it must not take the parent's listener.
    if count is None or pid is None or _number(pid) != os.getpid():
        return None
    if (_number(count) or 0) < 1:
        raise WorkerError(errno.EINVAL, f"listener: LISTEN_FDS is '{count[:20]}', not a number above 0")
    try:
        listener = socket.socket(fileno=_FIRST_PASSED_FD)
    except OSError as error:
        raise WorkerError(error.errno, f"listener: fd {_FIRST_PASSED_FD}: {error.strerror}") from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.detach()
        raise WorkerError(errno.EINVAL, f"listener: fd {_FIRST_PASSED_FD} is a socket that does not listen")
    listener.set_inheritable(False)
    return listener


def _sandbox_error(code: int, sentence: str) -> SandboxError:
    return SandboxError(code, f"enter sandbox: {sentence}")


def _number(text: str) -> int | None:
    """Decimal digits alone: int() would take " +7" and digits of other scripts too."""
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text) if len(text) < 20 else _MAX_INT + 1
    return value if value <= _MAX_INT else None


def _read_policy() -> str | None:
    word = os.environ.get("HERD_SECCOMP_PROFILE")
    if word is None:
        for mark in ("HERD_WORKER_ID", "HERD_POOL", "HERD_SECCOMP_FD"):
            if mark in os.environ:
                raise _sandbox_error(errno.EINVAL, f"{mark} is set, yet HERD_SECCOMP_PROFILE is missing")
        return None
    if word not in _POLICIES:
        raise _sandbox_error(
            errno.EINVAL, f"HERD_SECCOMP_PROFILE is '{word[:40]}', not off, log, errno or kill"
        )
    return word


def _filter_fd() -> int:
    text = os.environ.get("HERD_SECCOMP_FD")
    if text is None:
        raise _sandbox_error(errno.EINVAL, "HERD_SECCOMP_FD is missing")
    fd = _number(text)
    if fd is None:
        raise _sandbox_error(errno.EINVAL, f"HERD_SECCOMP_FD is '{text[:40]}', not a number")
    return fd


def _read_filter(fd: int) -> bytes:
    """Only a sealed memfd can't change before its use, nor be a file that someone put at that number."""
    import fcntl

    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        what = "is not open" if error.errno == errno.EBADF else "is not a memfd"
        raise _sandbox_error(error.errno, f"HERD_SECCOMP_FD {fd} {what}") from None
    needed = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
    if seals & needed != needed:
        raise _sandbox_error(errno.EPERM, f"HERD_SECCOMP_FD {fd} is not sealed")
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode):
        raise _sandbox_error(errno.EINVAL, f"HERD_SECCOMP_FD {fd} is not a regular file")
    size = about.st_size
    if size == 0 or size % _INSTRUCTION_SIZE != 0:
        raise _sandbox_error(
            errno.EINVAL, f"the filter has {size} bytes, not a number of whole instructions"
        )
    if size > _MAX_INSTRUCTIONS * _INSTRUCTION_SIZE:
        count = size // _INSTRUCTION_SIZE
        raise _sandbox_error(
            errno.E2BIG, f"the filter has {count} instructions, the kernel takes {_MAX_INSTRUCTIONS}"
        )
    return _read_all(fd, size)


def _read_all(fd: int, size: int) -> bytes:
    """By position, as the offset is shared with whoever wrote the filter."""
    content = b""
    while len(content) < size:
        piece = os.pread(fd, size - len(content), len(content))
        if not piece:
            raise _sandbox_error(errno.EIO, "the filter ended early")
        content += piece
    return content


def _is_answered() -> bool:
    """Whether herd is to answer in the filter's place, for which it needs the filter's listener."""
    word = os.environ.get("HERD_SECCOMP_DENIALS")
    if word not in (None, "notify"):
        raise _sandbox_error(errno.EINVAL, f"HERD_SECCOMP_DENIALS is '{word[:40]}', not notify")
    return word is not None


def _install(content: bytes, policy: str) -> None:
    flags = _SECCOMP_FILTER_FLAG_TSYNC
    if policy != "kill":  # a killed process is logged by the kernel anyway
        flags |= _SECCOMP_FILTER_FLAG_LOG
    result, code = _filter_call(content)(flags)
    if result < 0:
        raise _sandbox_error(code, f"install the filter: {os.strerror(code)}")
    # TSYNC reports a thread that it could not bring along by its id, a positive number; then no thread has
    # the filter.
    if result > 0:
        raise _sandbox_error(
            errno.ESRCH, f"thread {result} has a filter of its own, so not all would share one"
        )


def _install_answered(content: bytes) -> None:
    """Until herd has the listener whatever the filter denies waits: no other thread may run Python meanwhile,
    as it could wait so with the interpreter's lock held."""
    import array
    import socket
    import sys

    flags = _SECCOMP_FILTER_FLAG_TSYNC | _SECCOMP_FILTER_FLAG_TSYNC_ESRCH | _SECCOMP_FILTER_FLAG_NEW_LISTENER
    call = _filter_call(content)
    sender = _notify_socket()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_NO_SWITCH)
    try:
        listener, code = call(flags | _SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
        if listener < 0 and code == errno.EINVAL:  # before Linux 5.19
            listener, code = call(flags)
        if listener >= 0:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))]
            try:
                sender.sendmsg([_LISTENER_MESSAGE], rights, socket.MSG_NOSIGNAL)
            except OSError as error:
                raise _sandbox_error(
                    error.errno, f"hand the filter's listener to herd: {error.strerror}"
                ) from None
            finally:
                os.close(listener)
    finally:
        sys.setswitchinterval(interval)
        sender.close()
    if listener < 0:
        raise _sandbox_error(code, _why_no_listener(code))


def _why_no_listener(code: int) -> str:
    if code == errno.ESRCH:
        return "a thread has a filter of its own, so not all would share one"
    if code == errno.EBUSY:
        return "this process has a filter with a listener already, and there can be one"
    return f"install the filter with a listener: {os.strerror(code)}"


def _notify_socket() -> socket.socket:
    import socket

    name = os.environ.get("NOTIFY_SOCKET")
    if not name:
        raise _sandbox_error(errno.EINVAL, "HERD_SECCOMP_DENIALS is set, yet NOTIFY_SOCKET is missing")
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sender.connect(_notify_address(name))
    except OSError as error:
        sender.close()
        raise _sandbox_error(error.errno, f"connect to '{name}': {error.strerror}") from None
    return sender


def _filter_call(content: bytes) -> Callable[[int], tuple[int, int]]:
    """seccomp(2) with flags: its result and errno. Sets no-new-privs at once."""
    # ctypes loads and maps a library: it has to come before the filter, and costs nothing where it is unused.
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    number = _SYS_SECCOMP.get(os.uname().machine)
    if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise _sandbox_error(errno.ENOSYS, f"not known on {os.uname().machine}")
    libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    libc.syscall.argtypes = [ctypes.c_long, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p]
    libc.syscall.restype = ctypes.c_long

    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise _sandbox_error(code, f"set no-new-privs: {os.strerror(code)}")
    instructions = ctypes.create_string_buffer(content, len(content))
    program = Program(len(content) // _INSTRUCTION_SIZE, ctypes.addressof(instructions))

    def call(flags: int) -> tuple[int, int]:
        result = libc.syscall(number, _SECCOMP_SET_MODE_FILTER, flags, ctypes.addressof(program))
        return result, ctypes.get_errno()

    program.kept = instructions  # as long as it is pointed to
    return call


def _notify_address(name: str) -> bytes:
    if name[0] not in "/@" or len(name) < 2:
        raise WorkerError(
            errno.EINVAL, f"notify: NOTIFY_SOCKET is '{name[:80]}', neither a path nor @abstract"
        )
    address = os.fsencode(name)
    if len(address) > _MAX_SOCKET_NAME:
        raise WorkerError(
            errno.ENAMETOOLONG,
            f"notify: NOTIFY_SOCKET has {len(address)} characters, "
            f"a socket's name {_MAX_SOCKET_NAME} at most",
        )
    return b"\0" + address[1:] if address[:1] == b"@" else address


def _notify(message: bytes) -> bool:
    name = os.environ.get("NOTIFY_SOCKET")
    if not name:
        return False
    import socket

    address = _notify_address(name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(message, address)
        except OSError as error:
            raise WorkerError(error.errno, f"notify: send to '{name}': {error.strerror}") from None
    return True
