/**
 * The floor of an interface: writes recorded frames to the terminal at their times, from the start after the end.
 * Argument: a JSON file, `[[ms after the frame before, text], …]`.
 */
import { readFileSync } from 'node:fs';

const frames = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as [ms: number, text: string][];
let at = 0;
function write(): void {
  process.stdout.write(frames[at]?.[1] ?? '');
  at = (at + 1) % frames.length;
  setTimeout(write, frames[at]?.[0]);
}
process.stdin.setRawMode(true).resume();
write();
