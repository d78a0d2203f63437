/** What became of a cut: off, or a question why not. Pure. */
import type { Draft } from './draft.ts';
import { hear } from './hear.ts';
import { stalled } from './recall.ts';
import type { EventOf, Recall, Stage } from './state.ts';
import { alive, silenceMs } from './touch.ts';

export function cutDone(draft: Draft, { ok, sent, outcome, detail, rule, current }: EventOf<'cut-done'>): void {
  const { state } = draft;
  if (state.stage.is !== 'cutting') return;
  const { ground, from, recalled } = state.stage;
  if (!ok && !sent && recalled !== null) {
    const { by } = recalled;
    if (ground === 'deadline' && by !== null && by !== 'network') draft.restarted(by.text);
    else goBack(draft, from, by);
    return;
  }
  // Nobody was heard for too long on the way to the verb: what was judged has to be seen again.
  if (!ok && !sent && rule === 'held-up' && ground !== 'forced') {
    goBack(draft, from, null);
    return;
  }
  if (ok) {
    // What the kernel's last line proved teaches what the current means.
    if (ground === 'halted' && current !== null && state.runningCurrent !== null)
      draft.do({ do: 'observe', running: state.runningCurrent, halted: current });
    const tookMs = (state.haltedAt ?? 0) - (state.requestedAt ?? Infinity);
    if (ground === 'halted' && tookMs > 0) draft.do({ do: 'took', ms: tookMs });
    draft.end(outcome, detail, true);
    return;
  }
  // Sent three times without effect, or recalled: more of the same helps nobody.
  if (sent || outcome === 'aborted' || ground === 'deadline') {
    draft.end(outcome, detail);
    return;
  }
  if (ground === 'halted') {
    draft.enter({ is: 'settle', marker: '', firmware: false, touch: null }, silenceMs(state.target.limits.settle));
    if (rule === 'unknown') draft.raise('bmc-lost', `it has halted; ${detail}`);
    else draft.raise('cut-failed', detail);
    return;
  }
  if (ground === 'composite') {
    const { hard } = state.target.limits;
    draft.enter({ is: 'gone', hardUntil: draft.at + hard, judgeAt: draft.at, unit: null }, 0);
    draft.raise(rule === 'unknown' ? 'bmc-lost' : 'cut-failed', detail);
    return;
  }
  draft.stopping();
  draft.raise('force-failed', detail);
}

/** Where it was judged, with that much to be seen anew; what was heard on the way to the verb is heard there. */
function goBack(draft: Draft, from: Stage, by: Recall): void {
  const { target } = draft.state;
  const network = `something answers at ${target.ssh ?? 'its address'}`;
  const words =
    by === null ? 'nobody listened for a while: looked at again' : by === 'network' ? network : `“${by.text}”`;
  draft.prove('recalled', words);
  draft.state.stage = from;
  stalled(draft, 0);
  if (by !== 'network') {
    if (by !== null) hear(draft, by);
  } else if (from.is === 'settle') alive(draft, network);
  else draft.restarted('its network answers again');
}
