/** What a view-only session may ask: one table, so that no handler has to remember it (DESIGN section 2). */
import type { Access, ClientNotes, Requests } from '../api/protocol.ts';

type Needs<P> = Access | ((params: P) => Access);

const REQUEST_NEEDS: { [M in keyof Requests]: Needs<Requests[M][0]> } = {
  hello: 'view',
  // Interrupting a console leaves a gap in what its operator sees.
  sweep: ({ interrupt }) => (interrupt ? 'control' : 'view'),
  // Watching joins a console that is open already; opening one stops the telemetry of the rack.
  'console.attach': ({ watch, take }) => (watch && !take ? 'view' : 'control'),
  'console.detach': 'view',
  'console.take': 'control',
  'console.give': 'control',
  'console.log': 'control',
  'console.baud': 'control',
  // A log holds what was typed and shown while no looker was meant to be there.
  'log.read': 'control',
  'console.last': 'control',
  'console.resize': 'control',
  'console.paste': 'control',
  // Sends status requests, and tells what a cut would do: part of acting.
  'power.check': 'control',
  'power.start': 'control',
  'ops.list': 'view',
  'ops.abort': 'control',
  'ops.answer': 'control',
  'plan.list': 'view',
  // Asks every node for its status.
  'plan.show': 'control',
  'plan.run': 'control',
  'plan.pause': 'control',
  'plan.resume': 'control',
  'plan.abort': 'control',
  'plan.skip': 'control',
  'outage.status': 'view',
  'outage.tell': 'control',
  'outage.last': 'control',
  'outage.drill': 'control',
  'alarms.list': 'view',
  'alarms.ack': 'control',
  'events.list': 'view',
  // The end of a log is as much a log as the whole.
  'node.detail': ({ lines }) => (lines > 0 ? 'control' : 'view'),
  'bus.retry': 'control',
  'bus.log': 'view',
  // These send something.
  'bus.look': 'control',
  'bus.survey': 'control',
  'bus.raw': 'control',
  'host.read': 'control',
  'server.ping': 'view',
  'confirm.begin': 'control',
  'server.info': 'view',
  'server.stop': 'control',
};

const NOTE_NEEDS: { [M in keyof ClientNotes]: Access } = { 'console.input': 'control' };

/** May a session of this access make this request? */
export function mayRequest<M extends keyof Requests>(access: Access, method: M, params: Requests[M][0]): boolean {
  const needs = REQUEST_NEEDS[method];
  return access === 'control' || (typeof needs === 'function' ? needs(params) : needs) === 'view';
}

/** May a session of this access send this note? */
export function mayNote(access: Access, method: keyof ClientNotes): boolean {
  return access === 'control' || NOTE_NEEDS[method] === 'view';
}
