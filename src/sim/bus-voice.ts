/**
 * What BMCs say on the line towards the host: echoes and replies in the bus's dialect, damaged or late where a fault wants
 * it, and the noise of the line itself (bus-protocol sections 2 to 4).
 */
import type { BiosCommand } from './bios.ts';
import type { Dialect } from './dialect.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import { damage, frame } from './reply.ts';

export interface VoiceOptions {
  random: Random;
  /** Gives bytes to the line towards the host, not before `at`. */
  send: (bytes: Uint8Array, at: number) => void;
}

export class BusVoice {
  dialect: Dialect;
  turnaroundMs: number;
  /** Share of all replies that stop in the middle, 0..1. */
  tornShare: () => number = () => 0;
  private readonly options: VoiceOptions;
  /** Replies that slow BMCs still owe, in order of time. */
  private late: { addr: number; text: string; due: number }[] = [];

  constructor(options: VoiceOptions, dialect: Dialect, turnaroundMs: number) {
    this.options = options;
    this.dialect = dialect;
    this.turnaroundMs = turnaroundMs;
  }

  /** When a slow BMC says by itself what it owes; Infinity: none owes anything. */
  get nextDeadline(): number {
    return this.late[0]?.due ?? Infinity;
  }

  echo(command: BiosCommand, byte: number, at: number): void {
    const { echo, brackets, verbEcho, consoleEcho } = this.dialect;
    if (!echo) return;
    const echoed =
      command.kind === 'entry'
        ? !command.bracket || brackets
        : command.kind === 'on' || command.kind === 'off'
          ? verbEcho
          : command.kind === 'console'
            ? consoleEcho
            : command.kind !== 'none';
    if (echoed) this.send(Uint8Array.of(byte), at);
  }

  reply(node: SimNode, line: string, at: number): void {
    const share = this.tornShare();
    const torn = node.faults.torn || (share > 0 && this.options.random() < share);
    const text = damage(frame(line, this.dialect), { ...node.faults, torn }, this.options.random);
    // A BMC reads one character after the other: its replies come in the order of the questions.
    const owed = this.late.findLast(({ addr }) => addr === node.addr)?.due ?? 0;
    const due = Math.max(owed, at + this.turnaroundMs + node.faults.slowMs);
    if (node.faults.slowMs === 0 && owed === 0) {
      this.say(text, due);
      return;
    }
    this.late.push({ addr: node.addr, text, due });
    this.late.sort((a, b) => a.due - b.due);
  }

  /** A slow BMC answers in its own time, whoever the pipe leads to by then: a late reply is somebody else's. */
  sayLate(at: number): void {
    for (let next = this.late[0]; next && next.due <= at; next = this.late[0]) {
      this.late.shift();
      this.say(next.text, at);
    }
  }

  /** Stray bytes ahead of an exchange, with this chance (0 to 1). */
  noise(chance: number, at: number): void {
    const { random } = this.options;
    if (chance === 0 || random() >= chance) return;
    const count = 1 + Math.floor(random() * 3);
    this.send(
      Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
      at,
    );
  }

  say(text: string, at: number): void {
    this.send(Buffer.from(text, 'latin1'), at);
  }

  send(bytes: Uint8Array, at: number): void {
    this.options.send(bytes, at);
  }
}
