// Node's fetch, and the package ws, through the gateway: node_client.mjs http://HOST:PORT/PATH SESSION
import assert from 'node:assert';
import { createRequire } from 'node:module';

const WebSocket = createRequire(import.meta.url)('/usr/share/nodejs/ws');
const [url, session] = process.argv.slice(2);
const headers = { 'X-Session-ID': session };

const first = await (await fetch(url + 'about', { headers })).json();
const second = await (await fetch(url + 'about', { headers })).json();
assert.equal(first.pid, second.pid);
const nobody = await fetch(url + 'about');
assert.equal(nobody.status, 400);
assert.equal((await nobody.json()).error.code, 'no_session');

await new Promise((resolve, reject) => {
  const socket = new WebSocket(url.replace('http:', 'ws:') + 'echo', { headers });
  socket.on('open', () => socket.send('from node'));
  socket.on('message', data => {
    assert.equal(data.toString(), 'from node');
    socket.close(1000);
  });
  socket.on('close', code => (code === 1000 ? resolve() : reject(new Error('closed with ' + code))));
  socket.on('error', reject);
});
console.log('ok');
process.exit(0); // its kept connections would hold it
