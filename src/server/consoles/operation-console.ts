/** The open console as an operation has it: text in both directions, its condition, and whose turn it is to type. */
import type { ConsoleCondition, OperationConsole } from '../../power/ports.ts';
import type { SharedConsole } from './console-session.ts';
import type { ConsoleOperation } from './participants.ts';

export interface ConsoleOperationPorts {
  now: () => number;
  readScreen: OperationConsole['readScreen'];
  /** Called after the operation has left the console. */
  released: () => void;
}

/** Makes the console interface of operation `opId` at `line`. */
export function operationConsole(
  opId: string,
  { yields, givesWay = false }: { yields: boolean; givesWay?: boolean },
  line: SharedConsole,
  { now, readScreen, released }: ConsoleOperationPorts,
): OperationConsole {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let onText: (text: string, at: number) => void = () => undefined;
  let onState: (condition: ConsoleCondition) => void = () => undefined;
  let onGap: (text: string) => void = () => undefined;
  const operation: ConsoleOperation = {
    opId,
    yields,
    givesWay,
    text: (bytes) => onText(decoder.decode(bytes, { stream: true }), now()),
    condition: (condition) => onState(condition),
    gap: (text) => onGap(text),
  };
  line.participants.startOperation(operation);
  return {
    onText(fn) {
      onText = fn;
    },
    onState(fn) {
      onState = fn;
      fn(line.condition());
    },
    onGap(fn) {
      onGap = fn;
    },
    readScreen,
    type: (text, secret = '') => {
      line.conceal(secret);
      return line.type(operation, encoder.encode(text));
    },
    left: () => line.left(),
    lend: () => line.participants.lendKeyboard(operation),
    release() {
      line.participants.endOperation(operation);
      released();
      return Promise.resolve();
    },
  };
}
