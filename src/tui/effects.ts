/** Performs effects, most of which are requests to the server. Answers come back as events. */
import type { RackClient } from '../client/client.ts';
import { runProgram } from '../lib/subprocess.ts';
import { ConsoleEffects, type ConsolePorts } from './console/effects.ts';
import type { Effect, UiEvent } from './model/events.ts';
import type { FleetEffect } from './model/fleet-plans.ts';
import type { View } from './model/state.ts';
import { requestPlan, Requests } from './server-requests.ts';

/** All that the server keeps. */
const PAST_ALARMS = 500;
/** Time limit of a line on one console, s. */
const LINE_LIMIT_S = 60;
/** Kept output of an own program: lines, their length in characters, and the bytes after which it is ended. */
const PROGRAM_OUTPUT = { lines: 1000, lineLength: 400, mostBytes: 1024 * 1024 };

export interface EffectPorts extends ConsolePorts {
  reconnect(): void;
  reportMouse(on: boolean): void;
  ring(): void;
  quit(): void;
  /** Switches the mains of a simulated rack; rejects for a real one. */
  mains(on: boolean): Promise<void>;
  /** Shows a rack, and one of its nodes. */
  rack(index: number, node: Extract<Effect, { do: 'rack' }>['node']): void;
  /** Sends an event to another rack. */
  forward(index: number, event: UiEvent): void;
  /** Performs an effect at another rack. */
  elsewhere(index: number, effect: Effect): void;
  /** Performs an effect on plans over several racks; answers come as events. */
  fleet(effect: FleetEffect): void;
  /** Stores the view for the next run. */
  remember(view: View): Promise<void>;
}

export class EffectRunner {
  readonly #ports: EffectPorts;
  readonly #requests: Requests;
  readonly #console: ConsoleEffects;
  #program: AbortController | null = null;
  /** Stops the line that runs on a console. */
  #line: AbortController | null = null;

  constructor(client: RackClient, ports: EffectPorts) {
    this.#ports = ports;
    this.#requests = new Requests(client, ports.dispatch);
    this.#console = new ConsoleEffects(this.#requests, ports);
  }

  set client(client: RackClient) {
    this.#requests.client = client;
  }

  /** Ends the operator's own program. */
  close(): void {
    this.#program?.abort();
  }

  perform(effect: Effect): void {
    const { dispatch } = this.#ports;
    switch (effect.do) {
      case 'attach': {
        const { addr, take, watch } = effect;
        this.#console.afterKeys(() =>
          this.#requests.ask(
            this.#requests.client.request('console.attach', { addr, take, watch }),
            (joined) => dispatch({ type: 'attached', joined }),
            (error) => dispatch({ type: 'attach-failed', addr, error }),
          ),
        );
        return;
      }
      case 'detach':
        this.#console.afterKeys(() =>
          this.#requests.attempt('detach', this.#requests.client.request('console.detach', {})),
        );
        return;
      case 'take':
        this.#requests.ask(
          this.#requests.client.request('console.take', {}),
          (console) => dispatch({ type: 'took', console }),
          (error) => dispatch({ type: 'failed', what: 'taking the keyboard', error }),
        );
        return;
      case 'give':
        this.#requests.ask(
          this.#requests.client.request('console.give', { session: effect.session }),
          (console) => dispatch({ type: 'gave', console }),
          (error) => dispatch({ type: 'failed', what: 'transferring the keyboard', error }),
        );
        return;
      case 'note':
        this.#requests.attempt('the note', this.#requests.client.request('console.log', { text: effect.text }));
        return;
      case 'keys':
      case 'mouse':
      case 'focus':
      case 'paste':
      case 'long-paste':
      case 'stop-paste':
      case 'send-size':
      case 'look':
      case 'look-end':
      case 'find':
      case 'take-out':
      case 'screen-load':
      case 'last-screen':
      case 'last-screen-load':
      case 'screen-data':
      case 'screen-resize':
        this.#console.perform(effect);
        return;
      case 'reset-screen':
        this.#requests.attempt('resetting the screen', this.#requests.client.request('console.reset', {}));
        return;
      case 'quiet-reads':
        this.#requests.attempt(
          effect.on ? 'polling while the console is silent' : 'ending the polls while the console is silent',
          this.#requests.client.request('console.reads', { on: effect.on }),
        );
        return;
      case 'sample':
        this.#requests.attempt(
          'sampling',
          this.#requests.client.request('sweep', { addrs: [effect.addr], interrupt: true }),
        );
        return;
      case 'check':
        this.#requests.ask(
          this.#requests.client.request('power.check', effect.request),
          (answer) => dispatch({ type: 'checked', dialog: effect.dialog, answer }),
          (error) => dispatch({ type: 'check-failed', dialog: effect.dialog, error }),
        );
        return;
      case 'start':
        this.#requests.ask(
          this.#requests.client.request('power.start', effect.request),
          (operation) => dispatch({ type: 'started', dialog: effect.dialog, operation }),
          (error) => dispatch({ type: 'start-failed', dialog: effect.dialog, error }),
        );
        return;
      case 'abort':
        this.#requests.attempt(`aborting ${effect.id}`, this.#requests.client.request('ops.abort', { id: effect.id }));
        return;
      case 'answer': {
        const { id, addr, question, choice, confirm } = effect;
        this.#requests.attempt(
          `answering ${id}`,
          this.#requests.client.request('ops.answer', { id, addr, question, choice, confirm }),
        );
        return;
      }
      case 'plans':
      case 'plan-show':
      case 'plan-run':
      case 'plan-act':
      case 'plan-skip':
        requestPlan(this.#requests, effect, dispatch);
        return;
      case 'fleet-preview':
      case 'fleet-start':
      case 'fleet-act':
      case 'fleet-forget':
        this.#ports.fleet(effect);
        return;
      case 'acknowledge':
        this.#requests.attempt('acknowledging', this.#requests.client.request('alarms.ack', { ids: effect.ids }));
        return;
      case 'past-alarms':
        this.#requests.ask(
          this.#requests.client.request('alarms.list', { limit: PAST_ALARMS }),
          ({ past }) => dispatch({ type: 'past-alarms', past }),
          (error) => dispatch({ type: 'failed', what: 'reading the alarm history', error }),
        );
        return;
      case 'retry-bus':
        this.#requests.attempt('retrying the bus', this.#requests.client.request('bus.retry', {}));
        return;
      case 'bus-log': {
        const { pane, after } = effect;
        this.#requests.ask(
          this.#requests.client.request('bus.log', { after, limit: 200, wait: after > 0 }),
          (entries) => dispatch({ type: 'bus-log', pane, entries }),
          (error) => dispatch({ type: 'failed', what: 'reading the exchange log', error }),
        );
        return;
      }
      case 'raw': {
        const { pane, target, text, confirm } = effect;
        this.#requests.ask(
          this.#requests.client.request('bus.raw', { target, text, confirm }),
          (answer) => dispatch({ type: 'raw-answered', pane, answer }),
          (error) => dispatch({ type: 'raw-refused', pane, error }),
        );
        return;
      }
      case 'ups-history': {
        const { pane, request } = effect;
        this.#requests.ask(
          this.#requests.client.request('ups.history', request),
          (answer) => dispatch({ type: 'ups-history', pane, answer }),
          (error) => dispatch({ type: 'ups-history-failed', pane, error }),
        );
        return;
      }
      case 'mains':
        this.#requests.ask(
          this.#ports.mains(effect.on),
          () => dispatch({ type: 'mains-switched', on: effect.on }),
          (error) => dispatch({ type: 'failed', what: 'switching the simulated mains', error }),
        );
        return;
      case 'detail':
        this.#requests.ask(
          this.#requests.client.request('node.detail', effect.request),
          (answer) => dispatch({ type: 'detail', answer }),
          (error) => dispatch({ type: 'detail-failed', error }),
        );
        return;
      case 'rack-history':
        this.#requests.ask(
          this.#requests.client.request('rack.history', effect.request),
          (answer) => dispatch({ type: 'rack-history', answer }),
          (error) => dispatch({ type: 'failed', what: 'reading the history', error }),
        );
        return;
      case 'glances': {
        const { addrs, rows } = effect;
        this.#requests.ask(
          this.#requests.client.request('console.glance', { addrs: [...addrs], rows }),
          (answer) => dispatch({ type: 'glances', answer, rows }),
          (error) => dispatch({ type: 'glances-failed', error }),
        );
        return;
      }
      case 'identify': {
        const { addr } = effect;
        this.#requests.ask(
          this.#requests.client.request('bus.look', { addrs: [addr], patient: false }),
          ([look]) => {
            const why = look?.failure ?? 'its BMC answers status queries, but not the UID query';
            dispatch({ type: 'identified', addr, uid: look?.uid ?? null, why });
          },
          (error) => dispatch({ type: 'failed', what: 'querying the UID', error }),
        );
        return;
      }
      case 'remember':
        this.#requests.attempt('saving the layout', this.#ports.remember(effect.view));
        return;
      case 'run-program': {
        const { id, argv, limit } = effect;
        const abort = (this.#program = new AbortController());
        const printed = (lines: readonly string[]): void =>
          dispatch({ type: 'program-printed', id, lines: [...lines] });
        void runProgram(argv, limit, abort.signal, { printed, ...PROGRAM_OUTPUT }).then(({ why }) =>
          dispatch({ type: 'program-ended', id, why }),
        );
        return;
      }
      case 'end-program':
        this.#program?.abort();
        return;
      case 'run-line': {
        const { id, addr, line } = effect;
        const stop = (this.#line = new AbortController());
        const request = { addr, command: line, by: 'console', limitS: LINE_LIMIT_S } as const;
        this.#requests.ask(
          this.#requests.client.request('node.run', request, stop.signal),
          (run) => dispatch({ type: 'line-ran', id, addr, run }),
          (error) => dispatch({ type: 'line-failed', id, addr, error }),
        );
        return;
      }
      case 'stop-line':
        this.#line?.abort();
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
        this.#ports.rack(effect.index, effect.node);
        return;
      case 'forward':
        this.#ports.forward(effect.index, effect.event);
        return;
      case 'elsewhere':
        this.#ports.elsewhere(effect.index, effect.effect);
        return;
      case 'quit':
        this.#ports.quit();
        return;
    }
  }
}
