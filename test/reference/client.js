// Prints the rack as the server sees it: node client.js SOCKET
import { connect } from 'node:net';

const socket = connect(process.argv[2]);
const waiting = new Map();
let received = Buffer.alloc(0);

function request(method, params = {}) {
  const id = waiting.size + 1;
  const content = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  socket.write(`Content-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function onMessage({ id, error, result }) {
  if (id === undefined) return; // a notification: update, event, operation, …
  if (error) waiting.get(id).reject(new Error(`${error.message} (code ${error.code})`));
  else waiting.get(id).resolve(result);
}

socket.on('data', (chunk) => {
  received = Buffer.concat([received, chunk]);
  for (let head; (head = received.indexOf('\r\n\r\n')) >= 0; received = received.subarray(head)) {
    const length = Number(/Content-Length: (\d+)/i.exec(received.toString('latin1', 0, head))[1]);
    if (received.length < (head += 4) + length) return;
    onMessage(JSON.parse(received.toString('utf8', head, (head += length))));
  }
});

const who = { user: 'example', from: null, tty: null, program: 'client.js', pid: process.pid };
const { version, access } = await request('hello', { api: 4, who });
const { rack, nodes } = await request('sweep', { addrs: null, interrupt: false });
console.log(`server ${version}, access ${access}`);
for (const { addr, name } of rack.nodes) {
  const { reading } = nodes.find((node) => node.addr === addr);
  console.log(`${name}: ${reading.state === 'ok' ? reading.sample.power : reading.state}`);
}
socket.end();
