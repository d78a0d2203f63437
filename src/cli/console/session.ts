/** A client's part in a node's console: what comes from it, in order, and what is to be known about it. */
import type { ConsoleJoined, ConsoleState, ServerNotes } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import type { Address } from '../../rack/address.ts';

export interface SessionHandlers {
  data(bytes: Uint8Array): void;
  note(note: ServerNotes['console.note']): void;
  /** This program fell behind: so many bytes were never sent to it, and this is the screen as it is now. */
  resync(skipped: number, cols: number, rows: number, screen: Uint8Array): void;
  state(state: ConsoleState): void;
  /** It is over, and why. */
  ended(why: string): void;
}

/** What the operator is told of the gap. */
export function gapText(skipped: number): string {
  return `gap: ${Math.ceil(skipped / 1000)} KB that the node printed were not taken in time and are left out; its log has them`;
}

export class ConsoleSession {
  readonly joined: ConsoleJoined;
  readonly #client: RackClient;
  readonly #stops: (() => void)[];

  private constructor(client: RackClient, joined: ConsoleJoined, handlers: SessionHandlers) {
    const { addr } = joined;
    this.joined = joined;
    this.#client = client;
    this.#stops = [
      client.on('console.data', (piece) => {
        if (piece.addr === addr) handlers.data(Buffer.from(piece.data, 'base64'));
      }),
      client.on('console.resync', ({ addr: of, skipped, cols, rows, screen }) => {
        if (of === addr) handlers.resync(skipped, cols, rows, Buffer.from(screen, 'base64'));
      }),
      client.on('console.note', (note) => {
        if (note.addr !== addr) return;
        handlers.note(note);
        if (note.kind === 'closed') handlers.ended(note.text);
      }),
      client.on('update', ({ console }) => {
        if (console?.addr === addr) handlers.state(console);
      }),
      client.onClose((why) => handlers.ended(why)),
    ];
  }

  /** @throws RpcFailure: somebody holds it, no such node, … */
  static async join(
    client: RackClient,
    addr: Address,
    take: boolean,
    handlers: (joined: ConsoleJoined) => SessionHandlers,
  ): Promise<ConsoleSession> {
    const joined = await client.request('console.attach', { addr, take, watch: false });
    return new ConsoleSession(client, joined, handlers(joined));
  }

  send(bytes: Uint8Array): void {
    const data = Buffer.from(bytes).toString('base64');
    this.#client.note('console.input', { addr: this.joined.addr, data, at: this.#client.now() });
  }

  take(): Promise<ConsoleState> {
    return this.#client.request('console.take', {});
  }

  async leave(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#client.request('console.detach', {}).catch(() => undefined);
  }
}
