/** Detects a flood and a wrong baud rate from the amount and the content of a node's output. Pure. */

/** A node that fills this share of its line for a whole window floods; a listing or a boot is shorter. */
const FLOOD_SHARE = 0.6;
const FLOOD_MS = 5_000;
/** The flood is over when a window is filled less than this. */
const CALM_SHARE = 0.2;
const WINDOW_MS = 1_000;
/** Bytes examined before a rate is doubted, and the share of them that does not occur in text. */
const LOOKED_AT = 160;
const UNREADABLE_SHARE = 0.3;

export type FloodChange =
  | { kind: 'flood'; bytesPerS: number }
  /** The flood is over: its bytes and its duration. */
  | { kind: 'calm'; bytes: number; ms: number }
  | { kind: 'unreadable' };

export class FloodDetector {
  /** Bytes that fit through the line in a millisecond. */
  readonly #capacity: number;
  #window = { since: -Infinity, bytes: 0 };
  #busy: { since: number; bytes: number; reported: boolean } | null = null;
  #looks: { bytes: number; chars: number; bad: number } | null = { bytes: 0, chars: 0, bad: 0 };

  /** 8N1: ten bits a byte. */
  constructor(baud: number) {
    this.#capacity = baud / 10_000;
  }

  feed(bytes: Uint8Array, now: number): FloodChange[] {
    const changes = this.tick(now);
    if (this.#window.since === -Infinity) this.#window.since = now;
    this.#window.bytes += bytes.length;
    return this.#unreadable(bytes) ? [...changes, { kind: 'unreadable' }] : changes;
  }

  /** Ends windows as time passes; called regularly. */
  tick(now: number): FloodChange[] {
    const { since, bytes } = this.#window;
    const ms = now - since;
    if (since === -Infinity || ms < WINDOW_MS) return [];
    this.#window = { since: now, bytes: 0 };
    const share = bytes / (ms * this.#capacity);
    const busy = this.#busy;
    if (busy !== null && share < (busy.reported ? CALM_SHARE : FLOOD_SHARE)) {
      this.#busy = null;
      return busy.reported ? [{ kind: 'calm', bytes: busy.bytes + bytes, ms: now - busy.since }] : [];
    }
    if (busy === null && share < FLOOD_SHARE) return [];
    const grown = { since: busy?.since ?? since, bytes: (busy?.bytes ?? 0) + bytes, reported: busy?.reported ?? false };
    this.#busy = grown;
    const lasted = now - grown.since;
    if (grown.reported || lasted < FLOOD_MS) return [];
    grown.reported = true;
    return [{ kind: 'flood', bytesPerS: Math.round((grown.bytes / lasted) * 1000) }];
  }

  /** Reported once: the first bytes decide, and a binary file later is one that the user asked for. */
  #unreadable(bytes: Uint8Array): boolean {
    const looks = this.#looks;
    if (looks === null) return false;
    for (const char of new TextDecoder().decode(bytes.subarray(0, LOOKED_AT))) {
      looks.chars++;
      if (char === '\ufffd' || /[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f]/.test(char)) looks.bad++;
    }
    looks.bytes += bytes.length;
    if (looks.bytes < LOOKED_AT) return false;
    this.#looks = null;
    return looks.bad / looks.chars >= UNREADABLE_SHARE;
  }
}

/** Returns the message about a change, and its kind of note. */
export function floodText(change: FloodChange, baud: number): ['flood' | 'baud', string] {
  switch (change.kind) {
    case 'flood':
      return [
        'flood',
        `the node prints without pause, ${Math.round(change.bytesPerS / 1000)} KB/s: keys are still sent at once; the log keeps only the latest output`,
      ];
    case 'calm':
      return ['flood', `the flood ended: ${Math.round(change.bytes / 1000)} KB in ${Math.round(change.ms / 1000)} s`];
    case 'unreadable':
      return [
        'baud',
        `most of the output is not text: binary data, or the node's UART is not at ${baud} baud ('rackui console NODE --baud 9600' tries another rate; 'baud' of the node in the configuration keeps it)`,
      ];
  }
}
