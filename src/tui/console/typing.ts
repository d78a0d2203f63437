/** Keys at a console: to the node, but for the prefix and what must never leave. Pure. */
import { type Address, formatAddress } from '../../rack/address.ts';
import { onCommandAnywhere } from '../global-commands.ts';
import { bindingOf, type Command, disabledReason, keyNameOf, keyOf } from '../keymap/lookup.ts';
import { pageOf, paneRoom } from '../layout/layout.ts';
import { neighbour } from '../map/map.ts';
import { type Effect, step, type Step, type UiEvent, withNotice, withPaneNotice } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { attachTo, detach } from './attach.ts';
import { keyInLook, startLook } from './copy-mode.ts';

type TokenEvent = Extract<UiEvent, { type: 'token' }>;

/** A paste beyond this is asked about first, bytes. */
const LARGE_PASTE = 1024;
const BELL = 0x07;
const BELL_WHY = 'Ctrl-G was not sent: on this bus it closes the pipe, and the next keys would reach the master’s BIOS';

export function keyInConsole(state: State, { token }: TokenEvent): Step {
  const { attachment, chord } = state.pane;
  if (token.kind !== 'key' && token.kind !== 'paste') return step(state);
  if (state.pane.look !== null)
    return token.kind === 'key' ? keyInLook(state, state.pane.look, token.name) : step(state);
  if (token.kind === 'paste') return attachment.kind === 'none' ? step(state) : onPaste(state, token.bytes);
  if (chord.kind !== 'idle') return onChord(idle(state), chord, token.name);
  if (attachment.kind === 'none') return onLeft(state, token.name);
  if (bindingOf(state, 'console', token.name) !== null)
    return step({ ...state, pane: { ...state.pane, chord: { kind: 'prefix' }, notice: null } });
  return typed(state, token.name, token.bytes);
}

const idle = (state: State): State => ({ ...state, pane: { ...state.pane, chord: { kind: 'idle' } } });

function typed(before: State, name: string, bytes: Uint8Array): Step {
  const { attachment } = before.pane;
  if (attachment.kind !== 'joined')
    return step(withPaneNotice(before, 'info', 'not sent: the console is still being opened'));
  if (bytes.includes(BELL)) return step(withPaneNotice(before, 'warning', BELL_WHY));
  if (attachment.role === 'watches') {
    const who = before.console?.holderName ?? 'nobody';
    return step(
      withPaneNotice(
        before,
        'warning',
        `not sent: ${who} types here; ${keyOf(before, 'prefix', 'take')} takes the keyboard`,
      ),
    );
  }
  if (before.pane.pasting !== null) {
    const prefix = keyOf(before, 'console', 'prefix');
    if (name === 'C-c') return step(before, { do: 'stop-paste' });
    return step(withPaneNotice(before, 'warning', `not sent: a paste is under way; Ctrl-C stops it, ${prefix} works`));
  }
  if (before.link.kind === 'lost') return step(withPaneNotice(before, 'error', 'not sent: the server is gone'));
  return step(scrolledTo(read(before), attachment.addr, 0), { do: 'keys', addr: attachment.addr, name, bytes });
}

/** What was only told is read by now, and it covers a line of the screen. */
function read(state: State): State {
  return state.pane.notice?.level === 'info' ? { ...state, pane: { ...state.pane, notice: null } } : state;
}

function onPaste(state: State, raw: Uint8Array): Step {
  const { attachment } = state.pane;
  if (attachment.kind !== 'joined' || attachment.role !== 'types') return typed(state, 'paste', new Uint8Array());
  if (state.pane.pasting !== null)
    return step(withPaneNotice(state, 'warning', 'left out: another paste is under way; Ctrl-C stops it'));
  const bytes = raw.filter((byte) => byte !== BELL);
  const removed = raw.length - bytes.length;
  const { addr } = attachment;
  if (bytes.length > LARGE_PASTE)
    return step({
      ...state,
      overlay: { kind: 'paste', id: state.nextId, addr, bytes, removed, shown: { kind: 'pending' } },
      nextId: state.nextId + 1,
    });
  const told =
    removed === 0 ? read(state) : withPaneNotice(state, 'warning', `${removed} × Ctrl-G was taken out of the paste`);
  return bytes.length === 0 ? step(told) : step(scrolledTo(told, addr, 0), pasteOf(told, addr, bytes));
}

/**
 * A program that asked for brackets gets them, or a paste into vim would be commands. But the pace of the bus puts 2 ms
 * between a mark's bytes, and nano, which reads what is there, takes the torn mark for text: so the operator may say no.
 */
function pasteOf(state: State, addr: Address, bytes: Uint8Array): Effect {
  return { do: 'paste', addr, bytes, brackets: !state.pane.plainPaste.has(addr) };
}

/** A paste that was asked about; it can be watched and stopped. */
export function longPaste(state: State, addr: Address, bytes: Uint8Array, byLine: boolean): Step {
  const pane = {
    ...scrolledTo(state, addr, 0).pane,
    pasting: { addr, total: bytes.length, sent: 0, since: state.now },
  };
  const brackets = !state.pane.plainPaste.has(addr);
  return step({ ...state, pane }, { do: 'long-paste', addr, bytes, brackets, byLine });
}

function withBrackets(state: State, addr: Address, brackets: boolean): State {
  const plainPaste = new Set(state.pane.plainPaste);
  if (brackets) plainPaste.delete(addr);
  else plainPaste.add(addr);
  const text = brackets
    ? 'pastes here are bracketed where the program asks'
    : 'pastes here go without brackets, as typed';
  return withPaneNotice({ ...state, pane: { ...state.pane, plainPaste } }, 'info', text);
}

function onChord(state: State, chord: State['pane']['chord'], name: string): Step {
  if (chord.kind === 'hex') {
    if (!/^[0-9a-f]$/i.test(name)) return step(withPaneNotice(state, 'info', 'two hex digits go to a node’s console'));
    const addr = Number.parseInt(chord.digit + name, 16);
    if (!state.rack.nodes.some((node) => node.addr === addr))
      return step(withPaneNotice(state, 'warning', `no node at address ${formatAddress(addr)}`));
    return attachTo(state, addr);
  }
  if (/^[0-7]$/.test(name)) return step({ ...state, pane: { ...state.pane, chord: { kind: 'hex', digit: name } } });
  const binding = bindingOf(state, 'prefix', name);
  if (binding === null) {
    const prefix = keyOf(state, 'console', 'prefix');
    const how = `no such key behind ${prefix}; ${keyOf(state, 'prefix', 'help')} shows them`;
    return step(withPaneNotice(state, 'info', how));
  }
  const why = disabledReason(binding, state);
  if (why !== null) return step(withPaneNotice(state, 'info', `${binding.help}: ${why}`));
  return onCommand(state, binding.command);
}

function onLeft(state: State, name: string): Step {
  const binding = bindingOf(state, 'left', name);
  return binding === null ? step(state) : onCommand(state, binding.command);
}

function onCommand(state: State, command: Command): Step {
  const { attachment, shown, previous } = state.pane;
  const here = attachment.kind === 'none' ? (shown ?? state.cursor) : attachment.addr;
  switch (command) {
    case 'detach':
      return attachment.kind === 'none' ? step({ ...state, focus: 'map', zoom: false }) : detach(state);
    case 'attach':
      return attachTo(state, here);
    case 'next-node':
      return attachTo(state, along(state, here, 1));
    case 'previous-node':
      return attachTo(state, along(state, here, -1));
    case 'last-node':
      return previous === null
        ? step(withPaneNotice(state, 'info', 'there was no console before this one'))
        : attachTo(state, previous);
    case 'up':
    case 'down':
    case 'left':
    case 'right':
      return attachTo(state, neighbour(state, here, command));
    case 'sample':
      return step(state, { do: 'sample', addr: here });
    case 'reset-screen':
      return step(state, { do: 'reset-screen' });
    case 'scroll-up':
      return step(scrolledTo(state, here, scrollOf(state, here) + pageOf(state)));
    case 'scroll-down':
      return step(scrolledTo(state, here, Math.max(0, scrollOf(state, here) - pageOf(state))));
    case 'tty-size':
      return step(state, { do: 'tell-size', addr: here, ...paneRoom(state) });
    case 'look':
    case 'search':
      return startLook(state, here, command === 'search');
    case 'save-screen':
      return step(state, {
        do: 'take-out',
        addr: here,
        name: nameAt(state, here),
        from: null,
        to: null,
        where: 'file',
      });
    case 'people':
      return step({ ...state, overlay: { kind: 'people', index: 0 } });
    case 'note':
      return step({ ...state, overlay: { kind: 'note', text: '' } });
    case 'paste-brackets':
      return step(withBrackets(state, here, state.pane.plainPaste.has(here)));
    case 'take':
      return step(state, { do: 'take' });
    case 'power':
      return step({
        ...state,
        overlay: { kind: 'menu', targets: { nodes: [here], label: nameAt(state, here) }, index: 0 },
      });
    case 'zoom':
      return step({ ...state, zoom: !state.zoom });
    case 'help':
      return step({ ...state, overlay: { kind: 'help', scroll: 0, from: 'console' } });
    case 'palette': {
      const from = attachment.kind === 'none' ? 'left' : 'prefix';
      return step({ ...state, overlay: { kind: 'palette', text: '', index: 0, from } });
    }
    case 'send-prefix':
      return typed(state, ...prefixBytes(state));
    case 'cancel':
      return step(state);
    default:
      return onCommandAnywhere(state, command) ?? step(withNotice(state, 'info', 'this key does nothing here'));
  }
}

/** The prefix is a control key: its byte is its letter's, less what makes it a letter. */
function prefixBytes(state: State): [name: string, bytes: Uint8Array] {
  const key = keyNameOf(state, 'console', 'prefix');
  return [key, Uint8Array.of((key.codePointAt(2) ?? 0) & 0x1f)];
}

function nameAt(state: State, addr: Address): string {
  return state.rack.nodes.find((node) => node.addr === addr)?.name ?? formatAddress(addr);
}

/** The next node in address order that has a console of its own: not the master's, on which this program runs. */
function along(state: State, from: Address, by: 1 | -1): Address {
  const nodes = state.rack.nodes.filter((node) => node.addr !== state.bus.master);
  const at = nodes.findIndex((node) => node.addr === from);
  return nodes[(at + by + nodes.length) % nodes.length]?.addr ?? from;
}

function scrollOf(state: State, addr: Address): number {
  return state.pane.kept.get(addr)?.scroll ?? 0;
}

/** How far it may go back only the emulator knows: the runtime says it when it was too far (`scroll-limit`). */
export function scrolledTo(state: State, addr: Address, scroll: number): State {
  const before = state.pane.kept.get(addr);
  if (before === undefined || before.scroll === scroll) return state;
  return { ...state, pane: { ...state.pane, kept: new Map(state.pane.kept).set(addr, { ...before, scroll }) } };
}
