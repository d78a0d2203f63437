/**
 * Does anybody listen at a Unix socket?
 *
 * JSON-RPC's messages on a stream, each in one write: its library writes length and content apart, two wakes for each.
 */
import { connect } from 'node:net';
import { Writable } from 'node:stream';

/** A server that lives takes a connection at once, ms. */
const LIMIT_MS = 1_000;

/**
 * `refused`: the file is there and nobody listens. `absent`: no such file. All else is `there`: a full backlog, no
 * permission or no answer in time may well have a server behind it.
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

/** For a message writer, in place of `stream`. Errors and the end are the stream's own business. */
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
