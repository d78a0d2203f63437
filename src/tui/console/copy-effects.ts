/** Performs the effects of copy mode: holds and searches the emulator, and copies text to the clipboard or a file. */
import { messageOf } from '../../lib/errors.ts';
import type { Effect, UiEvent } from '../model/events.ts';
import type { Emulators } from './emulator.ts';

type CopyEffect = Extract<Effect, { do: 'look' | 'look-end' | 'find' | 'take-out' }>;

export interface CopyPorts {
  dispatch: (event: UiEvent) => void;
  /** Copies text to the operator's clipboard. */
  clipboard(text: string): void;
  /** Saves text in a file of the operator's; resolves with its path. */
  save(node: string, text: string): Promise<string>;
}

/** Most bytes of a clipboard's text: terminals with OSC 52 drop texts longer than about 100 KB of base64. */
const CLIPBOARD_LIMIT = 74_000;

export function performCopy(effect: CopyEffect, emulators: Emulators, ports: CopyPorts): void {
  const { addr } = effect;
  switch (effect.do) {
    case 'look':
      emulators.hold(addr, (at) => ports.dispatch({ type: 'looking', addr, search: effect.search, ...at }));
      return;
    case 'look-end':
      emulators.release(addr);
      return;
    case 'find': {
      const { query, x, y, way } = effect;
      ports.dispatch({ type: 'found', at: emulators.find(addr, query, { x, y }, way) });
      return;
    }
    case 'take-out': {
      const text = emulators.text(addr, effect.from, effect.to);
      emulators.release(addr);
      exportText(effect, text ?? '', ports);
      return;
    }
  }
}

function exportText({ name, where }: Extract<CopyEffect, { do: 'take-out' }>, text: string, ports: CopyPorts): void {
  const done = (ok: boolean, words: string): void => ports.dispatch({ type: 'taken-out', ok, text: words });
  if (text.trim() === '') {
    done(false, 'nothing was taken: there is no text');
    return;
  }
  if (where === 'file') {
    ports.save(name, text).then(
      (path) => done(true, `saved in ${path}`),
      (error: unknown) => done(false, `not saved: ${messageOf(error)}`),
    );
    return;
  }
  const size = Buffer.byteLength(text);
  if (size > CLIPBOARD_LIMIT) {
    done(false, `not copied: ${size} bytes are more than a terminal takes; w writes them to a file`);
    return;
  }
  ports.clipboard(text);
  const who = /^(tmux|screen)/.test(process.env['TERM'] ?? '') ? 'tmux has set-clipboard on' : 'it allows that';
  done(true, `${Array.from(text).length} characters to your terminal’s clipboard, if ${who} (OSC 52)`);
}
