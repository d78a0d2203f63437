/** The three calls of MAAS's webhook power driver for each node. */
import type { Hono } from 'hono';
import type { Snapshot } from '../../api/methods.ts';
import type { Verb } from '../../api/power.ts';
import { type Call, type Env, expectVerbs } from './gate.ts';
import { nodeResource } from './routes.ts';
import type { Switching } from './switching.ts';

/** Words that the driver's default expressions match; it takes any other for an unknown state. */
const STATES = { on: 'running', off: 'stopped', disabled: 'disabled' } as const;

export function addMaas(app: Hono<Env>, switching: Switching, { snapshot }: { snapshot: () => Snapshot }): void {
  const status = async (call: Call): Promise<Response> => {
    const token = call.get('token');
    expectVerbs(token, 'look');
    const node = await switching.seenNode(token, `name:${call.req.param('node') ?? ''}`);
    const { nodes, now } = snapshot();
    const { power } = nodeResource(
      node,
      nodes.find(({ addr }) => addr === node.addr),
      now,
    );
    return call.json({ status: power === null ? 'unknown' : STATES[power] });
  };
  const switched = (verb: Verb) => async (call: Call) => {
    const token = call.get('token');
    const node = switching.node(token, `name:${call.req.param('node') ?? ''}`);
    await switching.reach(token, call.get('by'), verb, node);
    return call.json({ status: 'accepted' }, 202);
  };
  app.get('/maas/:node/status', status);
  app.post('/maas/:node/on', switched('on'));
  app.post('/maas/:node/off', switched('off'));
  app.post('/maas/:node/force-off', switched('force-off'));
}
