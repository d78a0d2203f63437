/** Keys in the operations panel: choosing, aborting, answering. A dangerous answer is typed, like a cut. Pure. */
import { attachTo } from '../console/attach.ts';
import { bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { OperationPrompt, Overlay } from '../model/overlays.ts';
import { shownOperations, type State } from '../model/state.ts';
import { seenLongEnough } from './power-rules.ts';
import { dismissed } from './results.ts';

type TokenEvent = Extract<UiEvent, { type: 'token' }>;
type Panel = Extract<Overlay, { kind: 'operations' }>;

export function keyInOperations(state: State, panel: Panel, event: TokenEvent): Step {
  if (panel.prompt !== null) return keyInPrompt(state, panel, panel.prompt, event);
  if (event.token.kind !== 'key') return step(state);
  const { name } = event.token;
  const operations = shownOperations(state);
  const at = Math.max(0, Math.min(panel.selected, operations.length - 1));
  const operation = operations[at];
  if (/^[1-9]$/.test(name) && operation !== undefined) return answer(state, panel, Number(name), operation.id, event);
  const binding = bindingOf(state, 'operations', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  switch (binding.command) {
    case 'down':
      return step({ ...state, overlay: { ...panel, selected: around(at + 1, operations.length), scroll: 0 } });
    case 'up':
      return step({ ...state, overlay: { ...panel, selected: around(at - 1, operations.length), scroll: 0 } });
    case 'scroll-down':
      return step({ ...state, overlay: { ...panel, scroll: Math.min(SCROLL_END, panel.scroll + SCROLL) } });
    case 'scroll-up':
      return step({ ...state, overlay: { ...panel, scroll: Math.max(0, panel.scroll - SCROLL) } });
    case 'abort':
      if (operation === undefined || operation.endedAt !== null)
        return step(withNotice(state, 'info', 'this operation has ended: there is nothing to abort'));
      return step({
        ...state,
        overlay: { ...panel, prompt: { kind: 'abort', id: operation.id, shown: { kind: 'pending' } } },
      });
    case 'dismiss':
      return step({ ...dismissed(state), overlay: { ...panel, selected: 0, scroll: 0 } });
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}

const around = (at: number, length: number): number => (length === 0 ? 0 : (at + length) % length);

/** Lines a key scrolls. How long the list is only the view knows: beyond its end it stands still. */
const SCROLL = 10;
const SCROLL_END = 100;

/** The n-th choice of the first open question of the operation. */
function answer(state: State, panel: Panel, n: number, id: string, { burst }: TokenEvent): Step {
  const asking = state.operations.find((one) => one.id === id)?.nodes.find((node) => node.question !== null);
  const choice = asking?.question?.choices[n - 1];
  if (asking === undefined || choice === undefined || burst > 1) return step(state);
  if (choice.confirm !== null) {
    const prompt: OperationPrompt = {
      kind: 'answer',
      id,
      addr: asking.addr,
      question: asking.question?.id ?? '',
      choice: choice.key,
      confirm: choice.confirm,
      field: { text: '', focus: 'field' },
      shown: { kind: 'pending' },
    };
    return step({ ...state, overlay: { ...panel, prompt } });
  }
  const question = asking.question?.id ?? '';
  const effect = { do: 'answer', id, addr: asking.addr, question, choice: choice.key, confirm: null } as const;
  if (choice.key !== 'console') return step(state, effect);
  // The operator goes to the console to do it by hand; the operation waits.
  const opened = attachTo({ ...state, overlay: null }, asking.addr);
  return step(opened.state, effect, ...opened.effects);
}

function keyInPrompt(state: State, panel: Panel, prompt: OperationPrompt, { token, burst }: TokenEvent): Step {
  const close: State = { ...state, overlay: { ...panel, prompt: null } };
  if (token.kind !== 'key') return step(close);
  const { name } = token;
  if (name === 'escape') return step(close);
  if (burst > 1 || !seenLongEnough(prompt.shown, state.now)) return step(prompt.kind === 'abort' ? close : state);
  if (prompt.kind === 'abort') return name === 'y' ? step(close, { do: 'abort', id: prompt.id }) : step(close);
  const { text } = prompt.field;
  const typed = (next: string): Step =>
    step({ ...state, overlay: { ...panel, prompt: { ...prompt, field: { text: next, focus: 'field' } } } });
  if (name === 'enter') {
    if (text === '') return step(close);
    if (text !== prompt.confirm) return step(withNotice(close, 'warning', 'That was not it: nothing was sent.'));
    const { id, addr, question, choice } = prompt;
    return step(close, { do: 'answer', id, addr, question, choice, confirm: text });
  }
  if (name === 'backspace') return typed(text.slice(0, -1));
  if (name === 'space') return typed(`${text} `);
  return Array.from(name).length === 1 && text.length < 120 ? typed(text + name) : step(state);
}

/** What was typed as an answer is thrown away when the question is no longer the one that was read. */
export function withoutStaleAnswer(state: State): State {
  const panel = state.overlay;
  if (panel?.kind !== 'operations' || panel.prompt?.kind !== 'answer') return state;
  const { id, addr, question } = panel.prompt;
  const node = state.operations.find((one) => one.id === id)?.nodes.find((one) => one.addr === addr);
  if (node?.question?.id === question) return state;
  const cleared: State = { ...state, overlay: { ...panel, prompt: null } };
  return withNotice(cleared, 'warning', 'The question has changed: nothing was sent. Read it again.');
}
