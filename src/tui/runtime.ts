/** Performs effects: requests to the server, bytes to the emulators. Answers come back as events. */
import type { RackClient } from '../client/client.ts';
import type { Address } from '../rack/address.ts';
import type { Emulators } from './emulator.ts';
import type { Effect, RequestError, UiEvent } from './events.ts';
import { requestPlan } from './plan-requests.ts';
import { performLook } from './look-effects.ts';
import { keyForNode } from './node-keys.ts';
import { focusForNode, pointerForNode } from './node-pointer.ts';
import { Paste } from './paste.ts';
import type { View } from './state-view.ts';

/** A paste goes out in pieces of this many bytes: the server bounds what one note may hold. */
const PIECE = 16 * 1024;
/** All that the server keeps. */
const PAST_ALARMS = 500;
/** A report of some ten bytes takes 30 ms to a node: moves come at most so often. */
const MOVE_MS = 150;

export interface RuntimePorts {
  dispatch: (event: UiEvent) => void;
  /** Loaded at the first console: an emulator costs a start 36 ms. */
  emulators(): Promise<Emulators>;
  reconnect(): void;
  reportMouse(on: boolean): void;
  ring(): void;
  quit(): void;
  /** Shows another rack. */
  rack(index: number): void;
  /** Into the operator's clipboard. */
  clipboard(text: string): void;
  /** Into a file of the operator's; resolves with its path. */
  save(node: string, text: string): Promise<string>;
  /** For the next run. */
  remember(view: View): Promise<void>;
}

export class Runtime {
  readonly #ports: RuntimePorts;
  #client: RackClient;
  /** Emulator work in its order: the first load waits for the module. */
  #work: Promise<void> = Promise.resolve();
  #pasting: Paste | null = null;
  /** When a console was last heard, performance.now(). */
  #heardAt = 0;
  /** When a move of the mouse last went to a node, performance.now(). */
  #movedAt = -Infinity;

  constructor(client: RackClient, ports: RuntimePorts) {
    this.#client = client;
    this.#ports = ports;
  }

  set client(client: RackClient) {
    this.#client = client;
  }

  perform(effect: Effect): void {
    const { dispatch } = this.#ports;
    switch (effect.do) {
      case 'attach': {
        const { addr, take, watch } = effect;
        this.#ask(
          this.#client.request('console.attach', { addr, take, watch }),
          (joined) => dispatch({ type: 'attached', joined }),
          (error) => dispatch({ type: 'attach-failed', addr, error }),
        );
        return;
      }
      case 'detach':
        this.#try('detach', this.#client.request('console.detach', {}));
        return;
      case 'take':
        this.#ask(
          this.#client.request('console.take', {}),
          (console) => dispatch({ type: 'took', console }),
          (error) => dispatch({ type: 'failed', what: 'taking the keyboard', error }),
        );
        return;
      case 'give':
        this.#ask(
          this.#client.request('console.give', { session: effect.session }),
          (console) => dispatch({ type: 'gave', console }),
          (error) => dispatch({ type: 'failed', what: 'handing the keyboard over', error }),
        );
        return;
      case 'note':
        this.#try('the note', this.#client.request('console.log', { text: effect.text }));
        return;
      case 'keys':
        this.#later((emulators) => {
          this.#type(effect.addr, keyForNode(effect.name, effect.bytes, emulators.keyModes(effect.addr)));
          emulators.typed(effect.addr);
        });
        return;
      case 'mouse':
        this.#later((emulators) => this.#point(effect, emulators));
        return;
      case 'focus':
        this.#later((emulators) => {
          const bytes = focusForNode(effect.focused, emulators.pointerModes(effect.addr));
          if (bytes !== null) this.#type(effect.addr, bytes);
        });
        return;
      case 'paste':
        this.#later((emulators) =>
          this.#type(effect.addr, pasteFor(effect.bytes, effect.brackets && emulators.bracketedPaste(effect.addr))),
        );
        return;
      case 'long-paste':
        this.#later((emulators) => {
          const brackets = effect.brackets && emulators.bracketedPaste(effect.addr);
          this.#paste(effect.addr, pasteFor(effect.bytes, brackets), effect.byLine);
        });
        return;
      case 'stop-paste':
        this.#pasting?.stop();
        return;
      case 'look':
      case 'look-end':
      case 'find':
      case 'take-out':
        this.#later((emulators) => performLook(effect, emulators, this.#ports));
        return;
      case 'tell-size':
        this.#later((emulators) => this.#tellSize(effect, emulators.fullScreen(effect.addr)));
        return;
      case 'sample':
        this.#try('sampling', this.#client.request('sweep', { addrs: [effect.addr], interrupt: true }));
        return;
      case 'check':
        this.#ask(
          this.#client.request('power.check', effect.request),
          (answer) => dispatch({ type: 'checked', dialog: effect.dialog, answer }),
          (error) => dispatch({ type: 'check-failed', dialog: effect.dialog, error }),
        );
        return;
      case 'start':
        this.#ask(
          this.#client.request('power.start', effect.request),
          (operation) => dispatch({ type: 'started', dialog: effect.dialog, operation }),
          (error) => dispatch({ type: 'start-failed', dialog: effect.dialog, error }),
        );
        return;
      case 'abort':
        this.#try(`aborting ${effect.id}`, this.#client.request('ops.abort', { id: effect.id }));
        return;
      case 'answer': {
        const { id, addr, choice, confirm } = effect;
        this.#try(`answering ${id}`, this.#client.request('ops.answer', { id, addr, choice, confirm }));
        return;
      }
      case 'plans':
      case 'plan-show':
      case 'plan-run':
      case 'plan-act':
      case 'plan-skip':
        requestPlan(this.#client, effect, (...asked) => this.#ask(...asked), dispatch);
        return;
      case 'acknowledge':
        this.#try('acknowledging', this.#client.request('alarms.ack', { ids: effect.ids }));
        return;
      case 'past-alarms':
        this.#ask(
          this.#client.request('alarms.list', { limit: PAST_ALARMS }),
          ({ past }) => dispatch({ type: 'past-alarms', past }),
          (error) => dispatch({ type: 'failed', what: 'asking for the alarms of before', error }),
        );
        return;
      case 'retry-bus':
        this.#try('retrying the bus', this.#client.request('bus.retry', {}));
        return;
      case 'bus-log': {
        const { pane, after } = effect;
        this.#ask(
          this.#client.request('bus.log', { after, limit: 200, wait: after > 0 }),
          (entries) => dispatch({ type: 'bus-log', pane, entries }),
          (error) => dispatch({ type: 'failed', what: 'reading the exchange log', error }),
        );
        return;
      }
      case 'raw': {
        const { pane, target, text, confirm } = effect;
        this.#ask(
          this.#client.request('bus.raw', { target, text, confirm }),
          (answer) => dispatch({ type: 'raw-said', pane, answer }),
          (error) => dispatch({ type: 'raw-refused', pane, error }),
        );
        return;
      }
      case 'screen-load': {
        const { addr, cols, rows, screen } = effect;
        this.#later((emulators) => emulators.load(addr, cols, rows, Buffer.from(screen, 'base64')));
        return;
      }
      case 'screen-data':
        this.#heardAt = performance.now();
        this.#later((emulators) => emulators.data(effect.addr, Buffer.from(effect.data, 'base64')));
        return;
      case 'screen-resize':
        this.#later((emulators) => emulators.resize(effect.addr, effect.cols, effect.rows));
        return;
      case 'detail':
        this.#ask(
          this.#client.request('node.detail', effect.request),
          (answer) => dispatch({ type: 'detail', answer }),
          (error) => dispatch({ type: 'detail-failed', error }),
        );
        return;
      case 'identify': {
        const { addr } = effect;
        this.#ask(
          this.#client.request('bus.look', { addrs: [addr], patient: false }),
          ([look]) => {
            const why = look?.failure ?? 'its BMC answers for its status, and not for its UID';
            dispatch({ type: 'identified', addr, uid: look?.uid ?? null, why });
          },
          (error) => dispatch({ type: 'failed', what: 'asking for the UID', error }),
        );
        return;
      }
      case 'remember':
        this.#try('remembering the layout', this.#ports.remember(effect.view));
        return;
      case 'report-mouse':
        this.#ports.reportMouse(effect.on);
        return;
      case 'ring':
        this.#ports.ring();
        return;
      case 'reconnect':
        this.#ports.reconnect();
        return;
      case 'rack':
        this.#ports.rack(effect.index);
        return;
      case 'quit':
        this.#ports.quit();
        return;
    }
  }

  #point({ addr, pointer, rows, scroll }: Extract<Effect, { do: 'mouse' }>, emulators: Emulators): void {
    const place = emulators.onScreen(addr, pointer, rows, scroll);
    const modes = emulators.pointerModes(addr);
    const { button } = pointer;
    if (modes.tracking === 'none' && (button === 'wheel-up' || button === 'wheel-down'))
      this.#ports.dispatch({ type: 'wheel', addr, way: button === 'wheel-up' ? 'up' : 'down' });
    const bytes = place && pointerForNode(place, modes);
    if (bytes === null) return;
    // A moving mouse says more than the bus carries to a node; where it stops is told by what is pressed there.
    const now = performance.now();
    if (pointer.action === 'move' && now - this.#movedAt < MOVE_MS) return;
    if (pointer.action === 'move') this.#movedAt = now;
    this.#type(addr, bytes);
  }

  #paste(addr: Address, bytes: Uint8Array, byLine: boolean): void {
    const { dispatch } = this.#ports;
    const total = bytes.length;
    this.#pasting = new Paste(bytes, byLine, {
      send: (piece) => this.#client.request('console.paste', { addr, data: Buffer.from(piece).toString('base64') }),
      heardAt: () => this.#heardAt,
      progress: (sent) => dispatch({ type: 'pasted', sent, total }),
      ended: (sent, why) => {
        this.#pasting = null;
        dispatch({ type: 'paste-ended', sent, total, why });
      },
    });
  }

  /** The command would be typed into the editor or the pager that has the screen. */
  #tellSize({ addr, cols, rows }: Extract<Effect, { do: 'tell-size' }>, fullScreen: boolean): void {
    if (fullScreen) {
      const message = 'a full-screen program has the console: leave or suspend it (Ctrl-Z), then tell it at the shell';
      this.#ports.dispatch({ type: 'failed', what: 'size not told', error: { code: 0, message, data: null } });
      return;
    }
    this.#ask(
      this.#client.request('console.resize', { cols, rows }),
      () => {
        // The server tells the others; this screen takes the size before the node's program draws for it.
        this.#ports.dispatch({ type: 'console.note', note: { addr, kind: 'resized', text: '', cols, rows } });
        this.#type(addr, new TextEncoder().encode(` stty rows ${rows} cols ${cols}\r`));
      },
      (error) => this.#ports.dispatch({ type: 'failed', what: 'telling the size', error }),
    );
  }

  #type(addr: Address, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const data = Buffer.from(bytes.subarray(at, at + PIECE)).toString('base64');
      this.#client.note('console.input', { addr, data });
    }
  }

  #later(work: (emulators: Emulators) => void): void {
    this.#work = this.#work.then(async () => work(await this.#ports.emulators()));
  }

  #try(what: string, request: Promise<unknown>): void {
    this.#ask(
      request,
      () => undefined,
      (error) => this.#ports.dispatch({ type: 'failed', what, error }),
    );
  }

  #ask<T>(request: Promise<T>, done: (answer: T) => void, failed: (error: RequestError) => void): void {
    request.then(done, (error: unknown) => failed(describe(error)));
  }
}

function describe(error: unknown): RequestError {
  const { code, data } = error as Partial<RequestError>;
  return { code: code ?? 0, message: error instanceof Error ? error.message : String(error), data };
}

/** Line ends as a keyboard makes them; bracketed where the node's program can tell a paste from typing. */
function pasteFor(bytes: Uint8Array, bracketed: boolean): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').replace(/\r?\n/g, '\r');
  // The end mark inside a paste would end it early, and what follows would be typed.
  const safe = text.replaceAll('\x1b[201~', '');
  return Buffer.from(bracketed ? `\x1b[200~${safe}\x1b[201~` : safe, 'latin1');
}
