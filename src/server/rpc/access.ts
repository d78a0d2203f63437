/** What a view-only session may ask: one table, so that no handler has to remember it. */
import type { ConfigStatus } from '../../api/configuration.ts';
import type { Access, ClientNotes, EventRecord, Requests, ServerNotes, Snapshot } from '../../api/methods.ts';
import type { OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import type { Alarm } from '../../rack/alarms.ts';

type Needs<P> = Access | ((params: P) => Access);

const REQUEST_NEEDS: { [M in keyof Requests]: Needs<Requests[M][0]> } = {
  hello: 'view',
  // Interrupting a console leaves a gap in what its operator sees.
  sweep: ({ interrupt }) => (interrupt ? 'control' : 'view'),
  // Watching joins a console that is open already, where `server.viewOnly.consoleText` lets lookers read; opening one
  // stops the telemetry of the rack.
  'console.attach': ({ watch, take }) => (watch && !take ? 'view' : 'control'),
  'console.detach': 'view',
  'console.take': 'control',
  'console.reset': 'control',
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
  'ups.history': 'view',
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
  'server.reload': 'control',
  'server.stop': 'control',
  // Writes a file, and runs the commands that give secrets.
  'server.check': 'control',
};

const NOTE_NEEDS: { [M in keyof ClientNotes]: Access } = { 'console.input': 'control' };

/** May a session of this access make this request? `consoleText`: those who look may read consoles. */
export function mayRequest<M extends keyof Requests>(
  access: Access,
  method: M,
  params: Requests[M][0],
  consoleText: boolean,
): boolean {
  if (access === 'control') return true;
  if (method === 'console.attach' && !consoleText) return false;
  const needs = REQUEST_NEEDS[method];
  return (typeof needs === 'function' ? needs(params) : needs) === 'view';
}

/** Stands where a text may quote a console. */
const HIDDEN = 'its text is for those who may act';

/** Events whose texts are the server's own words; the others may quote a node. */
const PLAIN_TOPICS: ReadonlySet<string> = new Set(['bus', 'server', 'session', 'supply']);
/** Alarms whose texts may quote a node. */
const QUOTING: ReadonlySet<string> = new Set<Alarm['kind']>(['console', 'halted', 'system-failed']);

const hideEvent = (event: EventRecord): EventRecord =>
  PLAIN_TOPICS.has(event.topic) ? event : { ...event, text: `${event.topic}: ${HIDDEN}` };

const hideAlarm = (alarm: Alarm): Alarm =>
  QUOTING.has(alarm.kind) ? { ...alarm, text: `${alarm.kind}: ${HIDDEN}` } : alarm;

const hideOperation = (operation: Operation): Operation => ({
  ...operation,
  nodes: operation.nodes.map((node) => ({
    ...node,
    detail: node.outcome ?? node.phase,
    evidence: [],
    question: node.question && { ...node.question, text: HIDDEN, choices: [] },
  })),
});

const hidePlan = (run: PlanRun): PlanRun => ({
  ...run,
  detail: run.state,
  steps: run.steps.map((step) => ({
    ...step,
    nodes: step.nodes.map((node) => ({ ...node, detail: node.outcome ?? node.state })),
  })),
});

/** What is wrong with a file is said in words that quote it. */
const hideConfig = (config: ConfigStatus): ConfigStatus =>
  config.problem === null ? config : { ...config, problem: `${config.path ?? 'the file'} cannot be used` };

const hideSnapshot = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  config: hideConfig(snapshot.config),
  events: snapshot.events.map(hideEvent),
  alarms: snapshot.alarms.map(hideAlarm),
  nodes: snapshot.nodes.map((node) => ({ ...node, alarms: node.alarms.length > 0 ? [HIDDEN] : [] })),
  operations: snapshot.operations.map(hideOperation),
  outage: hideOutage(snapshot.outage),
});

/** Details of nodes and runs quote consoles; the supply and the nodes' states do not. */
function hideOutage({ policies, dateAhead }: OutageStatus): OutageStatus {
  return {
    dateAhead,
    policies: policies.map((view) => ({
      ...view,
      outage: view.outage && {
        ...view.outage,
        nodes: view.outage.nodes.map((node) => ({ ...node, detail: HIDDEN })),
        lines: [],
      },
    })),
  };
}

/** Fields of answers in which console text may stand, taken out for those who only look. */
const HIDE_IN_ANSWER: { [M in keyof Requests]?: (answer: Requests[M][1]) => Requests[M][1] } = {
  hello: (welcome) => ({ ...welcome, snapshot: hideSnapshot(welcome.snapshot) }),
  sweep: hideSnapshot,
  // The bytes of a console, and when each was typed.
  'bus.log': (entries) => entries.filter(({ note }) => note !== null),
  'ops.list': (operations) => operations.map(hideOperation),
  'plan.list': (list) => ({ ...list, runs: list.runs.map(hidePlan) }),
  'alarms.list': ({ standing, past }) => ({ standing: standing.map(hideAlarm), past: past.map(hideAlarm) }),
  'events.list': (events) => events.map(hideEvent),
  'server.info': (info) => ({ ...info, configuration: hideConfig(info.configuration) }),
  'outage.status': hideOutage,
};

const HIDE_IN_NOTE: { [M in keyof ServerNotes]?: (params: ServerNotes[M]) => ServerNotes[M] } = {
  event: hideEvent,
  operation: hideOperation,
  plan: hidePlan,
  update: (update) => ({
    ...update,
    ...(update.config && { config: hideConfig(update.config) }),
    ...(update.alarms && { alarms: update.alarms.map(hideAlarm) }),
    ...(update.outage && { outage: hideOutage(update.outage) }),
    ...(update.nodes && {
      nodes: update.nodes.map((node) => ({ ...node, alarms: node.alarms.length > 0 ? [HIDDEN] : [] })),
    }),
  }),
};

/** An answer without the fields that a looker may not read. */
export function hideInAnswer<M extends keyof Requests>(method: M, answer: Requests[M][1]): Requests[M][1] {
  return HIDE_IN_ANSWER[method]?.(answer) ?? answer;
}

/** A note without the fields that a looker may not read. */
export function hideInNote<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): ServerNotes[M] {
  return HIDE_IN_NOTE[method]?.(params) ?? params;
}

/** May a session of this access send this note? */
export function mayNote(access: Access, method: keyof ClientNotes): boolean {
  return access === 'control' || NOTE_NEEDS[method] === 'view';
}
