/** Does anybody listen at a Unix socket? */
import { connect } from 'node:net';

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
