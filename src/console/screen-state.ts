/**
 * What stands on a node's screen, judged before anything is typed there: a prompt that Enter only repeats, text that
 * somebody left half typed, or a program to which every key is an answer. Pure.
 */
import { type Prompt, readPrompt } from './recognizer.ts';

export interface ScreenText {
  /** Lines above the cursor's, wrapped rows joined, trailing blanks removed. */
  above: readonly string[];
  /** The line that the cursor is on, and how many of its characters stand before the cursor. */
  line: string;
  before: number;
  below: readonly string[];
  /** A full-screen program has switched to the alternate screen. */
  alternate: boolean;
}

export type ScreenState =
  /** Nothing of the screen is known. */
  | { is: 'nothing'; text: '' }
  /** Output that ended with its line; `text` is the last one. */
  | { is: 'rest'; text: string }
  | { is: 'prompt'; prompt: Extract<Prompt, { kind: 'login' | 'shell' }>; text: string }
  /** Ends as prompts of shells end, in a shape that is not known. */
  | { is: 'sign'; text: string }
  /** A prompt with text behind it: somebody's line. */
  | { is: 'typed'; text: string }
  /** A line without an end that is no prompt. */
  | { is: 'text'; text: string }
  /** Gets no key: each would be an answer. */
  | { is: 'taken'; by: string; text: string };

const MENU =
  /GNU GRUB +version|U-Boot Boot Menu|Boot Menu|Use the .{1,20} (?:and .{1,20} )?keys to (?:select|change|move)/i;
const LOADER =
  /^(?:=>|(?:U-Boot|grub(?: rescue)?|barebox|RedBoot|Shell|[\w-]*u-?boot)[^>]{0,40}>|\(initramfs\)|\(?dracut:[^#]{0,40}#|initramfs-?\w*[:#])(?: |$)/i;
const AUTOBOOT = /(?:hit|press|strike) any key|stop autoboot|autoboot in\b/i;
const PAGER =
  /--\s?more\s?--|\(END\)$|^:$|^lines \d+|^Manual page |press (?:.{1,24} )?(?:key|enter|return|space|q)\b.{0,24}(?:to|for)\b/i;
const EDITOR = /^-- (?:INSERT|REPLACE|VISUAL|NORMAL)\b|\^G (?:Get )?Help\b|^GNU nano\b|^  GNU nano\b/;
/** Asks for a secret, in the words of programs that know one language and of those that are translated. */
const SECRET =
  /(?:pass ?(?:phrase|word|code|wor[td]|wd)|kennwort|mot de passe|contrase|senha|wachtwoord|has[lł]o|парол|パスワード|密码|unlock|\bPIN\b|verification code|one-time|\bOTP\b)[^\n]*[:：?] ?$/iu;
/** Ends with a choice: `[Y/n]`, `(yes/no)?`, `<y>?`; or with what a question ends with. */
const QUESTION = /[?？:：]$|[[(<](?:[yjoasn]|yes|no|si|oui|non|ja|nein)\b[^\])>]{0,40}[\])>][ :?]*$/iu;
/** Prompts of programs that are no shell of the system; a lone `>` is the rest of an unfinished command as well. */
const OTHER =
  /^(?:>>>|\.\.\.|>|(?:mysql|MariaDB [^>]*|sqlite|s?ftp|lftp [^>]*|telnet|redis\S*|irb\S*)>|\w+[=-][>#]|\(gdb\)|In \[\d+\]:)$/;
/** The last character of shells' prompts: one of four, or a symbol that is no letter, digit or ASCII. */
const SIGN = /[$#%>]$|[^\p{ASCII}\p{L}\p{N}：？]$/u;
/** `45%` and `<tag>` are output. */
const NO_SIGN = /(?:^|[\s(])\d{1,3}(?:\.\d+)? ?%$|<[^<>]*>$/;
/** What a tty shows of a control character that no program took. */
const CONTROLS = /(?:\^[@-_])+$/;
/** So many lines of `~` alone are an editor's. */
const TILDES = 4;

export function readScreenState(screen: ScreenText): ScreenState {
  const whole = screen.line.trimEnd();
  const behind = screen.line.slice(screen.before);
  // Apart from the cursor stands a shell's prompt at the right edge; at the cursor stands somebody's text.
  const line = (/^\S/.test(behind) ? whole : screen.line.slice(0, screen.before)).replace(CONTROLS, '');
  const text = line.trim();
  const last = [...screen.above].reverse().find((row) => row.trim() !== '') ?? '';
  const all = [...screen.above, whole, ...screen.below];
  const taken = (by: string): ScreenState => ({ is: 'taken', by, text: text === '' ? last.trim() : text });
  if (screen.alternate) return taken('a full-screen program');
  if (all.some((row) => EDITOR.test(row.trimEnd())) || all.filter((row) => row.trim() === '~').length >= TILDES)
    return taken('an editor');
  if (all.some((row) => MENU.test(row))) return taken('a boot menu');
  const prompt = readPrompt(line);
  if (LOADER.test(text) || prompt?.kind === 'uboot-shell' || prompt?.kind === 'initramfs-shell')
    return taken(/initramfs|dracut/i.test(text) ? 'the shell of an initial RAM disk' : 'a boot loader');
  if (AUTOBOOT.test(text === '' ? last : text)) return taken('a boot loader that counts down');
  if (PAGER.test(text === '' ? last.trim() : text)) return taken('a pager, or a program that waits for a key');
  if (prompt?.kind === 'password' || SECRET.test(text)) return taken('a question for a password or passphrase');
  if (prompt) return { is: 'prompt', prompt, text };
  if (text === '') return last === '' ? { is: 'nothing', text: '' } : { is: 'rest', text: last.trim() };
  if (OTHER.test(text)) return taken('another program’s prompt, or an unfinished command');
  if (QUESTION.test(text)) return taken('a question');
  if (beginsWithPrompt(line)) return { is: 'typed', text };
  return SIGN.test(text) && !NO_SIGN.test(text) ? { is: 'sign', text } : { is: 'text', text };
}

function beginsWithPrompt(line: string): boolean {
  return [...line.matchAll(/[$#:] /g)].some(({ index }) => {
    const prompt = readPrompt(line.slice(0, index + 2));
    return (prompt?.kind === 'shell' || prompt?.kind === 'login') && line.slice(index + 2).trim() !== '';
  });
}

/** A key, or two, that make a console show what stands there. */
export type Press = 'redraw' | 'clear' | 'enter' | 'resume';

/**
 * `redraw`: ^L makes a line editor, a pager or an editor draw its screen anew and executes nothing. `clear`: ^E ^U empty
 * a line that is being typed. `resume`: ^Q starts a console that ^S stopped.
 */
const KEYS: Record<Press, string> = { redraw: '\x0c', clear: '\x05\x15', enter: '\r', resume: '\x11' };
/** How long an answer is waited for, ms: a shell redraws at once, a getty starts anew, a stopped console has much to say. */
const ANSWER_MS: Record<Press, number> = { redraw: 500, clear: 500, enter: 2_500, resume: 1_200 };

export function keysOf(press: Press, before: readonly Press[]): string {
  // ^L that nothing answered may stand in the line of a program that reads whole lines.
  return press === 'enter' && before.at(-1) === 'redraw' ? `\x15${KEYS.enter}` : KEYS[press];
}

export function answerTimeOf(press: Press): number {
  return ANSWER_MS[press];
}

/**
 * The next key that does no harm at what stands there, or null: nothing may be typed, nothing has to be, or nothing is
 * left to try. `fresh`: the screen shows what the node said since its console was opened. `answered`: something came
 * since the first press. Enter is the last but one resort, and comes a second time only where the first brought nothing.
 */
export function nextPress(
  standing: ScreenState,
  { fresh, answered }: { fresh: boolean; answered: boolean },
  done: readonly Press[],
): Press | null {
  const order = ((): readonly Press[] => {
    switch (standing.is) {
      case 'taken':
        return [];
      case 'typed':
        if (fresh) return ['clear'];
        // Where ^U was answered and the text still stands there, it is from before and in nobody's line.
        return answered && done.includes('clear') ? ['clear', 'redraw', 'enter', 'resume'] : ['clear', 'resume'];
      case 'text':
        return fresh ? ['clear'] : ['clear', 'redraw', 'enter', 'resume'];
      case 'prompt':
      case 'sign':
        return fresh ? [] : ['enter', 'resume', 'enter'];
      case 'nothing':
      case 'rest':
        if (answered && done.includes('enter')) return [];
        return fresh && !done.includes('redraw')
          ? ['enter', 'resume', 'enter']
          : ['redraw', 'enter', 'resume', 'enter'];
    }
  })();
  const left = [...order];
  for (const press of done) if (left[0] === press) left.shift();
  return left[0] ?? null;
}
