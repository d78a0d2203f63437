/** Methods of the console: joining, leaving, typing. */
import { steadyNow } from '../../lib/clock.ts';
import { Refused } from '../../lib/errors.ts';
import type { Services } from '../services.ts';
import { expectNode } from './rack.ts';
import type { Methods, NoteHandlers } from './registry.ts';

type ConsoleMethods = Pick<Methods, Extract<keyof Methods, `console.${string}`> | 'log.read'>;

export function consoleHandlers(services: Services): ConsoleMethods {
  const { bus, consoles, events, monitor, nodeStates, quietReader } = services;
  return {
    'console.attach': (request, caller) => {
      const { addr } = request;
      expectNode(services, addr);
      if (addr === bus.health.master)
        throw new Refused(
          `${nodeStates.label(addr)} is the master: its serial line is the bus, so it has no console; log in by ssh`,
        );
      return consoles.attach(caller, request);
    },
    'console.detach': (_none, caller) => {
      consoles.detach(caller);
      return { ok: true };
    },
    'console.take': (_none, caller) => consoles.acquireKeyboard(caller),
    'console.paste': ({ addr, data, at }, caller) => consoles.paste(caller, addr, Buffer.from(data, 'base64'), at),
    'console.give': ({ session }, caller) => consoles.transferKeyboard(caller, session),
    'console.log': ({ text }, caller) => {
      consoles.note(caller, text);
      return { ok: true };
    },
    'console.reset': (_none, caller) => {
      consoles.resetScreen(caller);
      return { ok: true };
    },
    'console.reads': ({ on }, caller) => {
      quietReader.on = on;
      monitor.quietReads = on;
      const words = on ? 'polls other nodes while a console is silent' : 'polls no node while a console is open';
      events.add('info', 'console', null, `${caller.name} set that rackui ${words}`);
      return { ok: true };
    },
    'console.baud': ({ baud }, caller) => consoles.setBaud(caller, baud),
    'console.last': async ({ addr }) => {
      expectNode(services, addr);
      return { addr, now: steadyNow(), seen: await consoles.last.screen(addr) };
    },
    'console.glance': async ({ addrs, rows }) => {
      for (const addr of addrs) expectNode(services, addr);
      const nodes = await consoles.last.lines(addrs, rows);
      return { now: steadyNow(), nodes };
    },
    'log.read': (request) => {
      expectNode(services, request.addr);
      return consoles.log(request);
    },
    'console.resize': ({ cols, rows }, caller) => {
      consoles.resize(caller, cols, rows);
      return { ok: true };
    },
  };
}

export function consoleNotes({ consoles }: Services): NoteHandlers {
  return {
    'console.input': ({ addr, data, at }, caller) => consoles.input(caller, addr, Buffer.from(data, 'base64'), at),
  };
}
