/**
 * Checks for a listener at a Unix socket, and writes each JSON-RPC message to a stream in one piece: the library
 * writes length and content apart, with two wakes for each message.
 */
import { connect } from 'node:net';
import { Writable } from 'node:stream';

/** Time within which a live server accepts a connection, ms. */
const LIMIT_MS = 1_000;

/**
 * Connects once; never rejects. `refused`: the file exists without a listener. `absent`: no such file. All else is
 * `there`: a full backlog, no permission or no answer in time may well have a server behind it.
 */
export function probeSocket(path: string): Promise<'there' | 'refused' | 'absent'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: 'there' | 'refused' | 'absent'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done('there'), LIMIT_MS);
    socket.once('connect', () => done('there'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      done(code === 'ECONNREFUSED' ? 'refused' : code === 'ENOENT' ? 'absent' : 'there'),
    );
  });
}

/** Wraps `stream` for a message writer. Errors and the end stay the stream's own. */
export function wholeMessages(stream: Writable): Writable {
  let head = '';
  return new Writable({
    decodeStrings: false,
    write(data: string | Buffer, _encoding, done) {
      // The library writes the head as text, and the content as bytes.
      if (typeof data === 'string') {
        head += data;
        done();
        return;
      }
      const whole = Buffer.concat([Buffer.from(head, 'latin1'), data]);
      head = '';
      stream.write(whole, done);
    },
  });
}
