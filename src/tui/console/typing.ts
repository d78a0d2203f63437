/** Sends keys at a console to the node, except the prefix and bytes that must never be sent. Pure. */
import { type Address, formatAddress } from '../../rack/address.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { nextMarkedConsole } from '../fleet/marks.ts';
import { onCommandAnywhere } from '../global-commands.ts';
import { bindingOf, disabledReason, keyNameOf, keyOf } from '../keymap/lookup.ts';
import { pageOf, paneRoom } from '../layout/layout.ts';
import { neighbour } from '../map/map.ts';
import { step, type Step, type UiEvent, withNotice, withPaneNotice } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import type { Attachment, State } from '../model/state.ts';
import { openPowerMenu } from '../overlays/power/menu.ts';
import { attachTo, detach, scrolledTo } from './attach.ts';
import { keyInCopyMode, startCopyMode } from './copy-mode.ts';
import { withNextTimes } from './line-margin.ts';
import { BELL, pasteAt, withBrackets } from './paste.ts';

type TokenEvent = Extract<UiEvent, { type: 'token' }>;

const BELL_WHY = 'Ctrl-G was not sent: on this bus it closes the pipe, and the next keys would reach the master’s BIOS';

export function keyInConsole(state: State, { token, fleet = [state] }: TokenEvent): Step {
  const { attachment, chord } = state.pane;
  if (token.kind !== 'key' && token.kind !== 'paste') return step(state);
  if (state.pane.look !== null)
    return token.kind === 'key' ? keyInCopyMode(state, state.pane.look, token.name) : step(state);
  if (token.kind === 'paste') return attachment.kind === 'none' ? step(state) : onPaste(state, attachment, token.bytes);
  if (chord.kind !== 'idle') return onChord(idle(state), chord, token.name, fleet);
  if (attachment.kind === 'none') return onLeft(state, token.name, fleet);
  if (bindingOf(state, 'console', token.name) !== null)
    return step({ ...state, pane: { ...state.pane, chord: { kind: 'prefix' } } });
  return typed(state, token.name, token.bytes);
}

const idle = (state: State): State => ({ ...state, pane: { ...state.pane, chord: { kind: 'idle' } } });

function typed(before: State, name: string, bytes: Uint8Array): Step {
  const { attachment } = before.pane;
  if (attachment.kind !== 'joined')
    return step(withPaneNotice(before, 'info', 'not sent: the console is not open yet'));
  if (bytes.includes(BELL)) return step(withPaneNotice(before, 'warning', BELL_WHY));
  if (attachment.role === 'watches') {
    const who = before.console?.holderName ?? 'nobody';
    return step(
      withPaneNotice(
        before,
        'warning',
        `not sent: ${who} has the keyboard; ${keyOf(before, 'prefix', 'take')} takes the keyboard`,
      ),
    );
  }
  if (before.pane.pasting !== null) {
    const prefix = keyOf(before, 'console', 'prefix');
    if (name === 'C-c') return step(before, { do: 'stop-paste' });
    return step(withPaneNotice(before, 'warning', `not sent: a paste is running; Ctrl-C stops it, ${prefix} works`));
  }
  if (before.link.kind === 'lost')
    return step(withPaneNotice(before, 'error', 'not sent: no connection to the server'));
  return step(scrolledTo(before, attachment.addr, 0), { do: 'keys', addr: attachment.addr, name, bytes });
}

function onPaste(state: State, attachment: Attachment, raw: Uint8Array): Step {
  const types = attachment.kind === 'joined' && attachment.role === 'types';
  return types ? pasteAt(state, attachment.addr, raw) : typed(state, 'paste', new Uint8Array());
}

function onChord(state: State, chord: State['pane']['chord'], name: string, fleet: readonly State[]): Step {
  if (chord.kind === 'hex') {
    if (!/^[0-9a-f]$/i.test(name)) return step(withPaneNotice(state, 'info', 'two hex digits select a node’s console'));
    const addr = Number.parseInt(chord.digit + name, 16);
    if (nodeAt(state.rack, addr) === undefined)
      return step(withPaneNotice(state, 'warning', `no node at address ${formatAddress(addr)}`));
    return attachTo(state, addr);
  }
  if (/^[0-7]$/.test(name)) return step({ ...state, pane: { ...state.pane, chord: { kind: 'hex', digit: name } } });
  const binding = bindingOf(state, 'prefix', name);
  if (binding === null) {
    const prefix = keyOf(state, 'console', 'prefix');
    const how = `no such key after ${prefix}; ${keyOf(state, 'prefix', 'help')} shows them`;
    return step(withPaneNotice(state, 'info', how));
  }
  const why = disabledReason(binding, state);
  if (why !== null) return step(withPaneNotice(state, 'info', `${binding.help}: ${why}`));
  return onCommand(state, binding.command, fleet);
}

function onLeft(state: State, name: string, fleet: readonly State[]): Step {
  const binding = bindingOf(state, 'left', name);
  return binding === null ? step(state) : onCommand(state, binding.command, fleet);
}

function onCommand(state: State, command: Command, fleet: readonly State[]): Step {
  const { attachment, shown, previous, kept } = state.pane;
  const here = attachment.kind === 'none' ? (shown ?? state.cursor) : attachment.addr;
  const scroll = kept.get(here)?.scroll ?? 0;
  switch (command) {
    case 'detach':
      return attachment.kind === 'none' ? step({ ...state, focus: 'map', zoom: false }) : detach(state);
    case 'attach':
      return attachTo(state, here);
    case 'next-node':
      return attachTo(state, along(state, here, 1));
    case 'previous-node':
      return attachTo(state, along(state, here, -1));
    case 'next-marked':
    case 'previous-marked':
      return toMarked(state, here, command === 'next-marked' ? 1 : -1, fleet);
    case 'last-node':
      return previous === null
        ? step(withPaneNotice(state, 'info', 'no other console was open before this one'))
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
    case 'quiet-reads':
      return step(state, { do: 'quiet-reads', on: !state.bus.quietReads });
    case 'scroll-up':
      return step(scrolledTo(state, here, scroll + pageOf(state)));
    case 'scroll-down':
      return step(scrolledTo(state, here, Math.max(0, scroll - pageOf(state))));
    case 'tty-size':
      return step(state, { do: 'send-size', addr: here, ...paneRoom(state) });
    case 'look':
    case 'search':
      return startCopyMode(state, here, command === 'search');
    case 'save-screen':
      return step(state, {
        do: 'take-out',
        addr: here,
        name: nameAt(state, here),
        from: null,
        to: null,
        where: 'file',
      });
    case 'times':
      return step(withNextTimes(state));
    case 'paste-brackets':
      return step(withBrackets(state, here, state.pane.plainPaste.has(here)));
    case 'take':
      return step(state, { do: 'take' });
    case 'power':
      return openPowerMenu(state, { nodes: [here], label: nameAt(state, here) });
    case 'zoom':
      return step({ ...state, zoom: !state.zoom });
    case 'send-prefix':
      return typed(state, ...prefixBytes(state));
    case 'cancel':
      return step(state);
    default:
      return (
        onCommandAnywhere(state, command, attachment.kind === 'none' ? 'left' : 'prefix') ??
        step(withNotice(state, 'info', 'this key does nothing here'))
      );
  }
}

/**
 * Opens the console of the next marked node. One of another rack is shown there, and the console here is left, as it is
 * for another one of this rack: an open console holds its bus.
 */
function toMarked(state: State, here: Address, by: 1 | -1, fleet: readonly State[]): Step {
  const { index } = state.racks;
  const next = nextMarkedConsole(fleet, { rack: index, addr: here }, by);
  const { rack, addr = null } = next ?? {};
  if (rack === undefined || addr === null)
    return step(withPaneNotice(state, 'info', 'no node with a console that can be opened is marked'));
  if (rack === index) return attachTo(state, addr);
  const left = state.pane.attachment.kind === 'none' ? step(state) : detach(state);
  return step(left.state, ...left.effects, { do: 'rack', index: rack, node: { addr, attach: true } });
}

/** Returns name and byte of the prefix, a control key: its letter's byte without the upper bits. */
function prefixBytes(state: State): [name: string, bytes: Uint8Array] {
  const key = keyNameOf(state, 'console', 'prefix');
  return [key, Uint8Array.of((key.codePointAt(2) ?? 0) & 0x1f)];
}

function nameAt(state: State, addr: Address): string {
  return nodeAt(state.rack, addr)?.name ?? formatAddress(addr);
}

/** Returns the next node in address order that has a console: not the master, on which this program runs. */
function along(state: State, from: Address, by: 1 | -1): Address {
  const nodes = state.rack.nodes.filter((node) => node.addr !== state.bus.master);
  const at = nodes.findIndex((node) => node.addr === from);
  return nodes[(at + by + nodes.length) % nodes.length]?.addr ?? from;
}
