/**
 * The requests that a view-only session may make, and the fields that it may read: one table, so that no handler
 * has to check.
 */
import type { ConfigStatus } from '../../api/configuration.ts';
import type { Access, ClientNotes, EventRecord, Requests, ServerNotes, Snapshot } from '../../api/methods.ts';
import type { OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import { type Alarm, quotesNode } from '../../rack/alarms.ts';

type Needs<P> = Access | ((params: P) => Access);

const REQUEST_NEEDS: { [M in keyof Requests]: Needs<Requests[M][0]> } = {
  hello: 'view',
  // Interrupting a console leaves a gap in its operator's view.
  sweep: ({ interrupt }) => (interrupt ? 'control' : 'view'),
  // Watching joins a console that is open already, where `server.viewOnly.consoleText` lets view-only sessions read;
  // opening one stops the polls of the rack.
  'console.attach': ({ watch, take }) => (watch && !take ? 'view' : 'control'),
  'console.detach': 'view',
  'console.take': 'control',
  'console.reset': 'control',
  'console.reads': 'control',
  'console.give': 'control',
  'console.log': 'control',
  'console.baud': 'control',
  // A log holds input and output from times when view-only sessions were not allowed to read the console.
  'log.read': 'control',
  'console.last': 'control',
  'console.glance': 'control',
  'console.resize': 'control',
  'console.paste': 'control',
  // Sends status requests, and reports the effects of a cut: part of acting.
  'power.check': 'control',
  'power.start': 'control',
  'ops.list': 'view',
  'ops.abort': 'control',
  'ops.answer': 'control',
  'plan.list': 'view',
  // Sends a status request to every node.
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
  'rack.history': 'view',
  // The end of a log needs the same access as the whole.
  'node.detail': ({ lines }) => (lines > 0 ? 'control' : 'view'),
  'bus.retry': 'control',
  'bus.log': 'view',
  // These send bytes to the bus.
  'bus.look': 'control',
  'bus.survey': 'control',
  'bus.raw': 'control',
  'host.read': 'control',
  'node.run': 'control',
  'file.open': 'control',
  'file.write': 'control',
  'file.read': 'control',
  'file.finish': 'control',
  'file.close': 'control',
  'server.ping': 'view',
  'confirm.begin': 'control',
  'server.info': 'view',
  'server.reload': 'control',
  'server.stop': 'control',
  // Writes a file, and runs the commands that return secrets.
  'server.check': 'control',
};

const NOTE_NEEDS: { [M in keyof ClientNotes]: Access } = { 'console.input': 'control' };

/**
 * Returns whether a session of this access may make this request. `consoleText`: view-only sessions may read
 * consoles.
 */
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

/** Replaces a text that may quote a console. */
const HIDDEN = 'its text is hidden from view-only sessions';

/** Topics whose events hold only the server's own words; events of other topics may quote a node. */
const PLAIN_TOPICS: ReadonlySet<string> = new Set(['bus', 'server', 'session', 'supply']);

const hideEvent = (event: EventRecord): EventRecord =>
  PLAIN_TOPICS.has(event.topic) ? event : { ...event, text: `${event.topic}: ${HIDDEN}` };

const hideAlarm = (alarm: Alarm): Alarm =>
  quotesNode(alarm.kind) ? { ...alarm, text: `${alarm.kind}: ${HIDDEN}` } : alarm;

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

/** The description of a problem in a file quotes the file. */
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

/** Fields of answers that may hold console text, removed for view-only sessions. */
const HIDE_IN_ANSWER: { [M in keyof Requests]?: (answer: Requests[M][1]) => Requests[M][1] } = {
  hello: (welcome) => ({ ...welcome, snapshot: hideSnapshot(welcome.snapshot) }),
  sweep: hideSnapshot,
  // These are console bytes, and the times at which they were typed.
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

/** Returns an answer without the fields that a view-only session may not read. */
export function hideInAnswer<M extends keyof Requests>(method: M, answer: Requests[M][1]): Requests[M][1] {
  return HIDE_IN_ANSWER[method]?.(answer) ?? answer;
}

/** Returns a note without the fields that a view-only session may not read. */
export function hideInNote<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): ServerNotes[M] {
  return HIDE_IN_NOTE[method]?.(params) ?? params;
}

/** Returns whether a session of this access may send this note. */
export function mayNote(access: Access, method: keyof ClientNotes): boolean {
  return access === 'control' || NOTE_NEEDS[method] === 'view';
}
