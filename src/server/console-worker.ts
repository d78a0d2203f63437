/** A console in the hands of an operation: bytes become text, listeners may come late. */
import type { ConsoleCondition, OperationConsole } from '../power/ports.ts';
import type { ConsoleLine } from './console-line.ts';
import type { ConsoleWorker } from './console-people.ts';

export interface ConsoleWorkerPorts {
  now: () => number;
  look: OperationConsole['look'];
  /** Called after it let go. */
  released: () => void;
}

/** Puts operation `opId` to work at `line`. */
export function operationConsole(
  opId: string,
  yields: boolean,
  line: ConsoleLine,
  { now, look, released }: ConsoleWorkerPorts,
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
    look,
    type: (text, secret = '') => {
      line.conceal(secret);
      return line.type(worker, encoder.encode(text));
    },
    left: () => line.left(),
    lend: () => line.people.lend(worker),
    release() {
      line.people.dismiss(worker);
      released();
      return Promise.resolve();
    },
  };
}
