/** The signs of a node on the map: what goes on with it, and what kind of node it is. As bits, compared at once. Pure. */
import type { NodeState } from '../../api/methods.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';
import { CLUSTER_SIGNS, KUBERNETES_INK, kubernetesOf } from './kubernetes.ts';
import type { NodeLook } from './node-look.ts';

const SIGN = { alarm: 1, seenAlarm: 2, operation: 4, console: 8, master: 16, protected: 32, fan: 64, stoppedFan: 128 };
/** The number of a cluster's sign, from 1, is above the bits. */
const CLUSTER_UNIT = 256;

/** Returns the signs of a node as a number. */
export function signsOf(state: State, node: InventoryNode, view: NodeState | undefined, look: NodeLook): number {
  let signs = 0;
  // An acknowledged alarm needs no attention, and is still shown.
  for (const { addr, acknowledged } of state.alarms)
    if (addr === node.addr) signs |= acknowledged === null ? SIGN.alarm : SIGN.seenAlarm;
  if ((view?.op ?? null) !== null) signs |= SIGN.operation;
  if (state.console?.addr === node.addr) signs |= SIGN.console;
  const cluster = kubernetesOf(state, view);
  if (cluster !== null && cluster !== 'ready') signs += (CLUSTER_SIGNS.indexOf(cluster) + 1) * CLUSTER_UNIT;
  if (state.bus.master === node.addr || node.role === 'master') signs |= SIGN.master;
  if (node.protected) signs |= SIGN.protected;
  // A chassis fan without power needs a colour.
  if (node.chassisFan !== null) signs |= look.power === 'off' ? SIGN.stoppedFan : SIGN.fan;
  return signs;
}

/** Returns the signs of activity: alarm, operation, console, and a node that its cluster cannot use. */
export function activitySpans(signs: number, g: Glyphs): Span[] {
  const spans: Span[] = alarmSpans(signs, g);
  // The sign of an operation does not move: a rack without changes must send nothing.
  if (signs & SIGN.operation) spans.push([g.operation[0] ?? '*', 'warn']);
  if (signs & SIGN.console) spans.push([g.console, 'title']);
  const cluster = CLUSTER_SIGNS[Math.floor(signs / CLUSTER_UNIT) - 1];
  if (cluster !== undefined) spans.push([g.kubernetes[cluster], KUBERNETES_INK[cluster]]);
  return spans;
}

export function alarmSpans(signs: number, g: Glyphs): Span[] {
  if (signs & SIGN.alarm) return [[g.alarm, 'fault']];
  return signs & SIGN.seenAlarm ? [[g.alarm, 'dim']] : [];
}

/** Returns the signs of the node's kind: master, protected, chassis fan. */
export function kindSpans(signs: number, g: Glyphs): Span[] {
  const spans: Span[] = [];
  if (signs & SIGN.master) spans.push([g.master, 'master']);
  if (signs & SIGN.protected) spans.push([g.protected, 'master']);
  if (signs & (SIGN.fan | SIGN.stoppedFan)) spans.push([g.chassisFan, signs & SIGN.stoppedFan ? 'fault' : 'fan']);
  return spans;
}
