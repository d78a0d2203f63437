/** Checks for a listener at a Unix socket. */
import { connect } from 'node:net';

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
