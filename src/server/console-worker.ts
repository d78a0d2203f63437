/** A console in the hands of an operation: bytes become text, listeners may come late. */
import type { ConsoleCondition, OperationConsole } from '../power/ports.ts';
import type { ConsoleLine } from './console-line.ts';
import type { ConsoleWorker } from './console-people.ts';

/** Puts operation `opId` to work at `line`; `released` is called after it let go. */
export function operationConsole(
  opId: string,
  yields: boolean,
  line: ConsoleLine,
  now: () => number,
  released: () => void,
): OperationConsole {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let onText: (text: string, at: number) => void = () => undefined;
  let onState: (condition: ConsoleCondition) => void = () => undefined;
  const worker: ConsoleWorker = {
    opId,
    yields,
    text: (bytes) => onText(decoder.decode(bytes, { stream: true }), now()),
    condition: (condition) => onState(condition),
  };
  line.people.employ(worker);
  return {
    onText(fn) {
      onText = fn;
    },
    onState(fn) {
      onState = fn;
      fn(line.condition());
    },
    type: (text) => line.type(worker, encoder.encode(text)),
    release() {
      line.people.dismiss(worker);
      released();
      return Promise.resolve();
    },
  };
}
