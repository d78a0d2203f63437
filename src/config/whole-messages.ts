/** JSON-RPC's messages on a stream, each in one write: its library writes length and content apart, two wakes for each. */
import { Writable } from 'node:stream';

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
