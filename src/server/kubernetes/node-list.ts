/** Reads a list of nodes as `kubectl get nodes -o json` prints it. Pure. */
import * as z from 'zod';
import { removeHidden } from '../../lib/control-chars.ts';
import type { ClusterNode } from '../../rack/kubernetes.ts';

/** The fields that count, of `kind: List` and `NodeList`; everything else in it may change with the cluster's version. */
const nodeList = z.object({
  items: z.array(
    z.object({
      kind: z.literal('Node').optional(),
      metadata: z.object({ name: z.string() }),
      spec: z.object({ unschedulable: z.boolean().optional() }).optional(),
      status: z
        .object({
          conditions: z
            .array(
              z.object({
                type: z.string(),
                status: z.string(),
                reason: z.string().optional(),
                message: z.string().optional(),
              }),
            )
            .optional(),
        })
        .optional(),
    }),
  ),
});
type Item = z.infer<typeof nodeList>['items'][number];

/** Most characters of a reason. */
const WHY_LENGTH = 200;

/** Returns the nodes by name in lower case. @throws {Error} the text is no list of nodes */
export function parseNodeList(text: string): Map<string, ClusterNode> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Error('its output is no JSON');
  }
  const list = nodeList.safeParse(raw);
  if (!list.success) throw new Error('its output is no list of nodes, as kubectl get nodes -o json prints it');
  return new Map(list.data.items.map((item) => [item.metadata.name.toLowerCase(), clusterNode(item)]));
}

/** Judges as kubectl does: a node whose condition Ready is not `True` is not ready. */
function clusterNode({ spec, status }: Item): ClusterNode {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const cordoned = spec?.unschedulable === true;
  if (ready?.status === 'True') return { state: cordoned ? 'cordoned' : 'ready', why: '' };
  const reason = [ready?.reason, ready?.message].filter((part) => part !== undefined && part !== '').join(': ');
  const parts = [...(cordoned ? ['cordoned'] : []), ...(reason === '' ? [] : [removeHidden(reason)])];
  if (ready === undefined) return { state: 'unknown', why: [...parts, 'it has no condition Ready'].join('; ') };
  return { state: 'not-ready', why: parts.join('; ').slice(0, WHY_LENGTH) };
}
