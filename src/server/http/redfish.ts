/**
 * A subset of Redfish: each node is a ComputerSystem that can be reset, the rack their chassis, rackui their manager. What
 * is not known is null or absent; measured values are given only where they are calibrated.
 */
import { Hono } from 'hono';
import * as z from 'zod';
import type { Snapshot } from '../../api/methods.ts';
import type { Operation, Verb } from '../../api/power.ts';
import { NotFound } from '../../lib/errors.ts';
import type { Operations } from '../../power/operations.ts';
import { VOLTS } from '../../rack/calibration.ts';
import { isManager } from '../../rack/plan.ts';
import { VERSION } from '../logs.ts';
import { hideInNote } from '../rpc/access.ts';
import { SESSION_LIMIT_MS, type Token } from './authentication.ts';
import { type Call, type Env, expectVerbs, type GatePorts, notForToken, Problem, tokenByPassword } from './gate.ts';
import { bodyOf } from './rest.ts';
import { nodeResource, type NodeResource, operationResource } from './routes.ts';
import { mayAct, type Switching } from './switching.ts';

const ROOT = '/redfish/v1';
const RACK = `${ROOT}/Chassis/rack`;
const MANAGER = `${ROOT}/Managers/rackui`;
const SESSIONS = `${ROOT}/SessionService/Sessions`;
const TASKS = `${ROOT}/TaskService/Tasks`;

/** Verbs by the types of a reset. `GracefulShutdown` cuts once the halt is proven. */
const RESETS: Readonly<Record<string, Verb>> = {
  On: 'on',
  GracefulShutdown: 'off',
  GracefulRestart: 'cycle',
  ForceOff: 'force-off',
  ForceRestart: 'force-cycle',
};

const RESET = z.object({ ResetType: z.enum(Object.keys(RESETS)) });
const LOGIN = z.object({ UserName: z.string().min(1).max(256), Password: z.string().min(1).max(256) });

const link = (path: string): { '@odata.id': string } => ({ '@odata.id': path });
/** The path of a node; its name is its id. */
const systemPath = (name: string): string => `${ROOT}/Systems/${name}`;
const POWER_STATES = { on: 'On', off: 'Off', disabled: null } as const;

function resource(path: string, type: string, name: string, fields: object): object {
  return { '@odata.id': path, '@odata.type': `#${type}`, Id: path.split('/').at(-1), Name: name, ...fields };
}

function collection(path: string, kind: string, members: readonly string[]): object {
  return {
    ...{ '@odata.id': path, '@odata.type': `#${kind}Collection.${kind}Collection`, Name: `${kind}s` },
    ...{ 'Members@odata.count': members.length, Members: members.map(link) },
  };
}

/** What those see who have not shown a token yet: the root, and the way to begin a session. */
export function openRedfish({ tokens, sessions }: Pick<GatePorts, 'tokens' | 'sessions'>): Hono<Env> {
  const app = new Hono<Env>({ strict: false });
  app.get('/redfish', (call) => call.json({ v1: `${ROOT}/` }));
  app.get(ROOT, (call) =>
    call.json({
      ...resource(`${ROOT}/`, 'ServiceRoot.v1_5_0.ServiceRoot', 'rackui', { Id: 'RootService' }),
      ...{ RedfishVersion: '1.6.0', Product: `rackui ${VERSION}` },
      ...{ Systems: link(`${ROOT}/Systems`), Chassis: link(`${ROOT}/Chassis`), Managers: link(`${ROOT}/Managers`) },
      ...{ SessionService: link(`${ROOT}/SessionService`), Tasks: link(`${ROOT}/TaskService`) },
      Links: { Sessions: link(SESSIONS) },
    }),
  );
  app.post(SESSIONS, async (call) => {
    const { UserName, Password } = await bodyOf(call, LOGIN);
    const token = tokenByPassword(tokens, UserName, Password);
    if (token === null) throw new Problem(401, 'no session: no token has this name and this text');
    const { id, secret } = sessions.begin(token);
    call.header('x-auth-token', secret);
    call.header('location', `${SESSIONS}/${id}`);
    return call.json(sessionResource(id, token), 201);
  });
  return app;
}

function sessionResource(id: string, token: Token): object {
  return resource(`${SESSIONS}/${id}`, 'Session.v1_3_0.Session', `session of ${token.name}`, { UserName: token.name });
}

export interface RedfishPorts extends Pick<GatePorts, 'sessions'> {
  snapshot(): Snapshot;
  operations: Pick<Operations, 'get' | 'list'>;
  consoleText(): boolean;
}

export function addRedfish(app: Hono<Env>, switching: Switching, ports: RedfishPorts): void {
  /** Nodes of a token that may look. */
  const nodesOf = (call: Call): NodeResource[] => {
    const token = call.get('token');
    expectVerbs(token, 'look');
    const { nodes, now } = ports.snapshot();
    return switching.nodesOf(token).map((node) =>
      nodeResource(
        node,
        nodes.find(({ addr }) => addr === node.addr),
        now,
      ),
    );
  };
  /** @throws {NotFound} {Problem} it is not the token's */
  const nodeOf = async (call: Call): Promise<NodeResource> => {
    const { addr, name } = await switching.seenNode(call.get('token'), `name:${call.req.param('id') ?? ''}`);
    const found = nodesOf(call).find((node) => node.name === name);
    if (found === undefined) throw new NotFound(`there is no node at ${addr}`);
    return found;
  };

  app.get(`${ROOT}/Systems`, (call) =>
    call.json(
      collection(
        `${ROOT}/Systems`,
        'ComputerSystem',
        nodesOf(call).map(({ name }) => systemPath(name)),
      ),
    ),
  );
  app.get(`${ROOT}/Systems/:id`, async (call) => call.json(systemResource(await nodeOf(call), call.get('token'))));
  app.post(`${ROOT}/Systems/:id/Actions/ComputerSystem.Reset`, async (call) => {
    const { ResetType } = await bodyOf(call, RESET);
    const verb = RESETS[ResetType] ?? 'on';
    const node = switching.node(call.get('token'), `name:${call.req.param('id')}`);
    const operation = await switching.reach(call.get('token'), call.get('by'), verb, node);
    if (operation === null) return call.body(null, 204);
    call.header('location', `${TASKS}/${operation.id}`);
    return call.json(taskResource(operation, mayAct(call.get('token')) || ports.consoleText()), 202);
  });
  app.get(`${ROOT}/Chassis`, (call) => {
    nodesOf(call);
    return call.json(collection(`${ROOT}/Chassis`, 'Chassis', [RACK]));
  });
  app.get(RACK, (call) => {
    const nodes = nodesOf(call);
    const { rack } = ports.snapshot();
    return call.json(
      resource(RACK, 'Chassis.v1_10_0.Chassis', rack.name, {
        ChassisType: 'Rack',
        Status: { State: 'Enabled' },
        ...(nodes.some(({ amperes }) => amperes !== null) ? { Power: link(`${RACK}/Power`) } : {}),
        Links: { ComputerSystems: nodes.map(({ name }) => link(systemPath(name))), ManagedBy: [link(MANAGER)] },
      }),
    );
  });
  app.get(`${RACK}/Power`, (call) => {
    const measured = nodesOf(call).filter(({ amperes }) => amperes !== null);
    if (measured.length === 0) throw new NotFound('no node of this token is calibrated: counts are no watts');
    return call.json(powerResource(measured));
  });
  app.get(`${ROOT}/Managers`, (call) => {
    nodesOf(call);
    return call.json(collection(`${ROOT}/Managers`, 'Manager', [MANAGER]));
  });
  app.get(MANAGER, (call) => {
    const nodes = nodesOf(call);
    const { bus } = ports.snapshot();
    const well = bus.state === 'ready' || bus.state === 'paused';
    return call.json(
      resource(MANAGER, 'Manager.v1_5_0.Manager', 'rackui', {
        ...{ ManagerType: 'EnclosureManager', FirmwareVersion: VERSION },
        Status: { State: bus.state === 'starting' ? 'Starting' : 'Enabled', Health: well ? 'OK' : 'Critical' },
        Links: {
          ManagerForServers: nodes.map(({ name }) => link(systemPath(name))),
          ManagerForChassis: [link(RACK)],
        },
      }),
    );
  });
  addSessionsAndTasks(app, switching, ports);
}

function addSessionsAndTasks(app: Hono<Env>, switching: Switching, ports: RedfishPorts): void {
  const { sessions, operations } = ports;
  app.get(`${ROOT}/SessionService`, (call) =>
    call.json(
      resource(`${ROOT}/SessionService`, 'SessionService.v1_1_8.SessionService', 'sessions', {
        ...{ ServiceEnabled: true, SessionTimeout: SESSION_LIMIT_MS / 1000, Sessions: link(SESSIONS) },
      }),
    ),
  );
  app.get(SESSIONS, (call) => {
    const own = sessions.of(call.get('token')).map((id) => `${SESSIONS}/${id}`);
    return call.json(collection(SESSIONS, 'Session', own));
  });
  /** @throws {NotFound} the token has no such session */
  const expectSession = (call: Call): string => {
    const id = call.req.param('id') ?? '';
    if (!sessions.of(call.get('token')).includes(id)) throw new NotFound(`there is no session ${id} of this token`);
    return id;
  };
  app.get(`${SESSIONS}/:id`, (call) => call.json(sessionResource(expectSession(call), call.get('token'))));
  app.delete(`${SESSIONS}/:id`, (call) => {
    sessions.end(expectSession(call), call.get('token'));
    return call.body(null, 204);
  });
  app.get(`${ROOT}/TaskService`, (call) =>
    call.json(
      resource(`${ROOT}/TaskService`, 'TaskService.v1_1_4.TaskService', 'tasks', {
        ...{ ServiceEnabled: true, Tasks: link(TASKS) },
      }),
    ),
  );
  const isOwn = (token: Token): ((operation: Operation) => boolean) => {
    const own = new Set(switching.nodesOf(token).map(({ addr }) => addr));
    return ({ nodes }) => nodes.every(({ addr }) => own.has(addr));
  };
  app.get(TASKS, (call) => {
    const shown = operations.list().filter(isOwn(call.get('token')));
    return call.json(
      collection(
        TASKS,
        'Task',
        shown.map(({ id }) => `${TASKS}/${id}`),
      ),
    );
  });
  app.get(`${TASKS}/:id`, (call) => {
    const operation = operations.get(call.req.param('id'));
    const token = call.get('token');
    if (operation === null) throw new NotFound(`there is no task ${call.req.param('id')}`);
    if (!isOwn(token)(operation)) throw notForToken('the task has nodes that are not for this token');
    return call.json(taskResource(operation, mayAct(token) || ports.consoleText()));
  });
}

function systemResource(node: NodeResource, token: Token): object {
  const { name, power, alarms, current, fan, ageS, role } = node;
  const path = systemPath(name);
  const allowed = Object.keys(RESETS).filter((type) => mayReset(token, RESETS[type] ?? 'on', role));
  return resource(path, 'ComputerSystem.v1_5_0.ComputerSystem', name, {
    ...{ SystemType: 'Physical', HostName: name, Description: `${node.pos}, address ${node.addr}` },
    // Never Off while it is not known, and not null either: redfishpower 2.4 then dies of a segmentation fault.
    ...(power === null ? {} : { PowerState: POWER_STATES[power] }),
    Status: {
      State: power === null ? null : power === 'on' ? 'Enabled' : 'Disabled',
      Health: power === null ? null : alarms.length > 0 ? 'Warning' : 'OK',
    },
    Boot: { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' },
    Actions: {
      '#ComputerSystem.Reset': {
        target: `${path}/Actions/ComputerSystem.Reset`,
        'ResetType@Redfish.AllowableValues': allowed,
      },
    },
    Links: { Chassis: [link(RACK)], ManagedBy: [link(MANAGER)] },
    Oem: { Rackui: { System: node.system, CurrentCounts: current, FanCounts: fan, AgeSeconds: ageS } },
  });
}

function mayReset({ verbs }: Token, verb: Verb, role: string | null): boolean {
  if (verb === 'on') return verbs.has('on');
  if (isManager({ role })) return false;
  return verbs.has(verb.startsWith('force') ? 'cut' : 'graceful') && (!verb.endsWith('cycle') || verbs.has('on'));
}

function powerResource(measured: readonly NodeResource[]): object {
  return resource(`${RACK}/Power`, 'Power.v1_5_0.Power', 'power', {
    PowerControl: measured.map(({ name, amperes }, index) => ({
      '@odata.id': `${RACK}/Power#/PowerControl/${index}`,
      ...{ MemberId: `${index}`, Name: name },
      PowerConsumedWatts: Math.round((amperes ?? 0) * VOLTS * 10) / 10,
      RelatedItem: [link(systemPath(name))],
    })),
  });
}

function taskResource(from: Operation, full: boolean): object {
  const { id, verb, startedAt, endedAt, exitCode, nodes } = operationResource(
    full ? from : hideInNote('operation', from),
  );
  return resource(`${TASKS}/${id}`, 'Task.v1_4_0.Task', `${verb} ${nodes.map(({ name }) => name).join(' ')}`, {
    TaskState: endedAt === null ? 'Running' : exitCode === 0 ? 'Completed' : 'Exception',
    TaskStatus: endedAt === null || exitCode === 0 ? 'OK' : 'Critical',
    StartTime: startedAt,
    ...(endedAt === null ? {} : { EndTime: endedAt }),
    Messages: nodes.map(({ name, detail, question }) => ({ Message: `${name}: ${question ?? detail}` })),
  });
}
