/** The grade that the screen gives a halt's evidence: never a better one than what was seen. */
import { expect, test } from 'vitest';
import type { NodeProgress } from '../../src/api/power.ts';
import { gradeOf } from '../../src/tui/overlays/operation-view.ts';
import { progress } from '../screens/operations.ts';

const seen = (over: Partial<NodeProgress>, ...kinds: [kind: string, text?: string][]): NodeProgress =>
  progress(0x03, 'ended', {
    outcome: 'done',
    evidence: kinds.map(([kind, text = '']) => ({ at: 0, kind, text })),
    ...over,
  });

test.each<[string, NodeProgress, string | null]>([
  ['its last line, and the cut', seen({}, ['request'], ['marker'], ['identity'], ['verified']), 'A'],
  ['its last line, settling still', seen({ phase: 'settle', outcome: null }, ['marker']), null],
  ['its last line, and the server’s question about it', seen({ phase: 'asking', outcome: null }, ['marker']), null],
  ['its last line, then somebody’s decision', seen({}, ['marker'], ['answer', 'ada chose: force']), null],
  ['its last line, then the deadline', seen({}, ['marker'], ['deadline']), null],
  ['its last line after an unclean unmount', seen({}, ['dirty'], ['marker']), null],
  ['an acknowledgement', seen({}, ['ack'], ['verified']), null],
  ['all three signs', seen({}, ['grade', 'C: one sign'], ['grade', 'B: all three']), 'B'],
  ['one sign', seen({ phase: 'asking', outcome: null }, ['grade', 'C: its network has not answered for 110 s']), 'C'],
  ['a cut that nobody asked the system about', seen({}, ['identity'], ['verified']), null],
])('%s', (_what, node, grade) => {
  expect(gradeOf(node)).toBe(grade);
});
