/** What became of a cut: off, or a question why not. Pure. */
import type { Recognition } from '../../console/reader.ts';
import type { Draft } from './draft.ts';
import { hear } from './hear.ts';
import { stalled } from './recall.ts';
import type { EventOf, Stage } from './state.ts';

export function cutDone(draft: Draft, { ok, sent, outcome, detail, rule, current }: EventOf<'cut-done'>): void {
  const { state } = draft;
  if (state.stage.is !== 'cutting') return;
  const { ground, from, recalled } = state.stage;
  if (!ok && !sent && recalled !== null) {
    if (ground === 'deadline' && recalled.heard !== null) draft.restarted(recalled.heard.text);
    else goBack(draft, from, recalled.heard);
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
    draft.enter({ is: 'settle', marker: '', firmware: false, touch: null }, state.target.limits.settle);
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
function goBack(draft: Draft, from: Stage, heard: Recognition | null): void {
  draft.prove('recalled', heard === null ? 'nobody listened for a while: looked at again' : `“${heard.text}”`);
  draft.state.stage = from;
  stalled(draft, 0);
  if (heard !== null) hear(draft, heard);
}
