// Ordinary programs run under the preset `worker`, with policy kill: one denied call would end them.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "common/seccomp/build.hpp"
#include "tests/unit/seccomp/under_filter.hpp"

namespace herd::seccomp {
namespace {

class OrdinaryPrograms : public testing::TestWithParam<Policy> {
 protected:
  OrdinaryPrograms() : program_(build("worker", GetParam()).value()) {}
  void expect_success(const std::vector<std::string>& command) const {
    if (!test::has_program(command.front())) GTEST_SKIP() << "there is no " << command.front();
    const auto end = test::exec_under(program_.instructions, command);
    EXPECT_EQ(end.exit_code, 0) << command.front() << ", signal " << end.signal;
  }
  Program program_;
};

INSTANTIATE_TEST_SUITE_P(Seccomp, OrdinaryPrograms, testing::Values(Policy::errno_, Policy::kill),
                         [](const auto& instance) { return std::string(name(instance.param)); });

TEST_P(OrdinaryPrograms, Threads) {
  const auto end = test::run_under(program_.instructions, [] {
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&sum, i] { sum += i; });
    for (auto& thread : threads) thread.join();
    return sum == 28 ? 0 : 1;
  });
  EXPECT_EQ(end.exit_code, 0);
}

TEST_P(OrdinaryPrograms, Shell) {
  expect_success({"sh", "-c",
                  "set -e; ls / | wc -l >/dev/null; x=$(uname -a); test -n \"$x\"; (exit 3) || test $? = 3"});
}

TEST_P(OrdinaryPrograms, Python) {
  expect_success({"python3", "-c", R"(
import asyncio, hashlib, http.client, http.server, json, multiprocessing, os, signal, socket, sqlite3, ssl, subprocess
import tempfile, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'hello')
    def log_message(self, *args): pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = http.client.HTTPConnection('127.0.0.1', server.server_port)
client.request('GET', '/')
assert client.getresponse().read() == b'hello'
socket.getaddrinfo('localhost', 80)
a, b = socket.socketpair()
a.sendall(b'x'); assert b.recv(1) == b'x'

assert subprocess.run(['echo', 'x'], capture_output=True, check=True).stdout == b'x\n'
with tempfile.TemporaryDirectory() as directory:
    database = sqlite3.connect(os.path.join(directory, 'x.db'))
    database.execute('create table t (a)'); database.commit()
ssl.create_default_context()
hashlib.sha256(os.urandom(16)).hexdigest()

async def main():
    process = await asyncio.create_subprocess_exec('true')
    assert await process.wait() == 0
asyncio.run(main())
context = multiprocessing.get_context('fork')
child = context.Process(target=time.sleep, args=(0,))
child.start(); child.join(); assert child.exitcode == 0
)"});
}

TEST_P(OrdinaryPrograms, Node) {
  expect_success({"node", "-e", R"(
const http = require('http'), os = require('os'), fs = require('fs');
const { execFileSync } = require('child_process');
const { Worker } = require('worker_threads');
os.cpus(); os.networkInterfaces(); fs.readFileSync('/proc/self/status');
execFileSync('true');
const server = http.createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1', () =>
  http.get({ port: server.address().port, host: '127.0.0.1' }, (response) => response.on('data', (data) => {
    if (String(data) !== 'hello') process.exit(1);
    new Worker('require("fs").readFileSync("/proc/self/stat")', { eval: true }).on('exit', (code) => process.exit(code));
  })));
)"});
}

}  // namespace
}  // namespace herd::seccomp
