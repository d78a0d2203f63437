/** A node's console in a script: lines in, plain text out, the end when the input has ended and the node is quiet. */
import { createInterface } from 'node:readline';
import { EXIT } from '../../api/power.ts';
import type { ConsoleState } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { Failure } from '../failure.ts';
import { nodeText } from '../operation-report.ts';
import { hint, print } from '../output.ts';
import { Emulator } from './emulator.ts';
import { ConsoleSession } from './session.ts';

/** The next line goes out when the node has said nothing for so long; a shell's prompt comes sooner, ms. */
const QUIET_MS = 400;
/** After the last line: a command may think before it answers, ms. */
const END_QUIET_MS = 1_000;
/** A node that prints without end must not keep a line for ever, ms. */
const PATIENCE_MS = 10_000;
/** For the node to prove that keys reach it and not its BIOS, ms. */
const PROOF_MS = 5_000;

export async function scriptConsole(client: RackClient, node: InventoryNode, take: boolean): Promise<number> {
  let heard = performance.now();
  let ended: string | null = null;
  let work = Promise.resolve();
  // Joining and the first notes may come in either order: once proven is proven.
  const proof = { given: false, lacking: '' };
  const printer = new Printer();
  const session = await ConsoleSession.join(client, node.addr, take, (joined) => {
    printer.open(joined.cols, joined.rows);
    return {
      data: (bytes) => {
        heard = performance.now();
        work = work.then(() => printer.write(bytes));
      },
      note: (note) => hint(`rackui: ${nodeText(node)}: ${note.text}`),
      state: noteProof,
      ended: (why) => (ended = why),
    };
  });
  noteProof(session.joined.console);
  const why = (): string | null => ended;
  try {
    if (session.joined.role !== 'types')
      throw new Failure(
        EXIT.refused,
        `${session.joined.console.holderName ?? 'somebody'} types on the console of ${nodeText(node)}: take it with --force`,
      );
    if (!proof.given) session.send(Buffer.from('\r'));
    await until(() => proof.given || why() !== null, PROOF_MS);
    if (!proof.given && why() === null)
      throw new Failure(EXIT.unavailable, `${nodeText(node)} does not answer on its console: ${proof.lacking}`);
    for await (const line of createInterface({ input: process.stdin })) {
      if (why() !== null) break;
      await quiet(QUIET_MS);
      heard = performance.now();
      session.send(Buffer.from(`${withoutBell(line, node)}\r`));
    }
    await quiet(END_QUIET_MS);
    await work;
    const reason = why();
    if (reason !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeText(node)} ended: ${reason}`);
    return EXIT.done;
  } finally {
    printer.close();
    await session.leave();
  }

  function noteProof({ unproven }: ConsoleState): void {
    proof.given ||= unproven === null;
    proof.lacking = unproven ?? '';
  }

  function quiet(ms: number): Promise<void> {
    return until(() => why() !== null || performance.now() - heard >= ms, PATIENCE_MS);
  }
}

function withoutBell(line: string, node: InventoryNode): string {
  if (line.includes('\x07')) hint(`rackui: ${nodeText(node)}: Ctrl-G was not sent: on this bus it closes the console`);
  return line.replaceAll('\x07', '');
}

/** Resolves when `holds`, or after `limitMs`. */
async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!holds() && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Prints lines when the cursor has left them: then their text is final. */
class Printer {
  #emulator: Emulator | null = null;
  /** Row of the first line that is not printed yet; negative when it has scrolled out. */
  #next = 0;

  open(cols: number, rows: number): void {
    this.#emulator = new Emulator(cols, rows);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#emulator?.write(bytes, () => this.#printTo('cursor'));
  }

  /** Prints what is left, and ends. */
  close(): void {
    this.#printTo('end');
    this.#emulator?.dispose();
    this.#emulator = null;
  }

  #printTo(where: 'cursor' | 'end'): void {
    const emulator = this.#emulator;
    if (emulator === null || emulator.alternate) return;
    this.#next -= emulator.takeScrolled();
    const { cursorY } = emulator.terminal.buffer.active;
    let text = '';
    for (; this.#next < cursorY || (where === 'end' && this.#next === cursorY); this.#next++) {
      text += emulator.line(this.#next)?.translateToString(true) ?? '';
      if (emulator.line(this.#next + 1)?.isWrapped === true) continue;
      if (where === 'cursor' || text !== '') print(text);
      text = '';
    }
  }
}
