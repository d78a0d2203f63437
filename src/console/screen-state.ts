/**
 * Judges a node's screen before anything is typed there: a prompt that Enter only repeats, text that an operator left
 * half typed, or a program to which every key is an answer. Pure.
 */
import { type Prompt, readPrompt } from './recognizer.ts';

export interface ScreenText {
  /** Lines above the cursor's, wrapped rows joined, trailing blanks removed. */
  above: readonly string[];
  /** The cursor's line, and the number of its characters before the cursor. */
  line: string;
  before: number;
  below: readonly string[];
  /** A full-screen program has switched to the alternate screen. */
  alternate: boolean;
}

export type ScreenState =
  /** The screen is blank or not known. */
  | { is: 'nothing'; text: '' }
  /** Output that ended with its line; `text` is the last one. */
  | { is: 'rest'; text: string }
  | { is: 'prompt'; prompt: Extract<Prompt, { kind: 'login' | 'shell' }>; text: string }
  /** Ends like the prompt of a shell, in an unknown form. */
  | { is: 'sign'; text: string }
  /** A prompt with half-typed text behind it. */
  | { is: 'typed'; text: string }
  /** A line without an end, not a prompt. */
  | { is: 'text'; text: string }
  /** A program to which no key may be sent: each would be an answer. */
  | { is: 'taken'; by: string; text: string };

const MENU =
  /GNU GRUB +version|U-Boot Boot Menu|Boot Menu|Use the .{1,20} (?:and .{1,20} )?keys to (?:select|change|move)/i;
const LOADER =
  /^(?:=>|(?:U-Boot|grub(?: rescue)?|barebox|RedBoot|Shell|[\w-]*u-?boot)[^>]{0,40}>|\(initramfs\)|\(?dracut:[^#]{0,40}#|initramfs-?\w*[:#])(?: |$)/i;
const AUTOBOOT = /(?:hit|press|strike) any key|stop autoboot|autoboot in\b/i;
const PAGER =
  /--\s?more\s?--|\(END\)$|^:$|^lines \d+|^Manual page |press (?:.{1,24} )?(?:key|enter|return|space|q)\b.{0,24}(?:to|for)\b/i;
const EDITOR = /^-- (?:INSERT|REPLACE|VISUAL|NORMAL)\b|\^G (?:Get )?Help\b|^GNU nano\b|^  GNU nano\b/;
/**
 * Matches a question for a secret, in the words of programs that know one language and of those that are translated.
 */
const SECRET =
  /(?:pass ?(?:phrase|word|code|wor[td]|wd)|kennwort|mot de passe|contrase|senha|wachtwoord|has[lł]o|парол|パスワード|密码|unlock|\bPIN\b|verification code|one-time|\bOTP\b)[^\n]*[:：?] ?$/iu;
/** Matches the end of a question: a choice (`[Y/n]`, `(yes/no)?`, `<y>?`), a question mark or a colon. */
const QUESTION = /[?？:：]$|[[(<](?:[yjoasn]|yes|no|si|oui|non|ja|nein)\b[^\])>]{0,40}[\])>][ :?]*$/iu;
/** Matches prompts of programs other than the system's shells; a lone `>` is also the rest of an unfinished command. */
const OTHER =
  /^(?:>>>|\.\.\.|>|(?:mysql|MariaDB [^>]*|sqlite|s?ftp|lftp [^>]*|telnet|redis\S*|irb\S*)>|\w+[=-][>#]|\(gdb\)|In \[\d+\]:)$/;
/** Matches the last character of shells' prompts: one of four, or a symbol that is no letter, digit or ASCII. */
const SIGN = /[$#%>]$|[^\p{ASCII}\p{L}\p{N}：？]$/u;
/** `45%` and `<tag>` are output. */
const NO_SIGN = /(?:^|[\s(])\d{1,3}(?:\.\d+)? ?%$|<[^<>]*>$/;
/** Matches control characters as a tty echoes them. */
const CONTROLS = /(?:\^[@-_])+$/;
/** Lines of `~` alone that show an editor. */
const TILDES = 4;

export function readScreenState(screen: ScreenText): ScreenState {
  const whole = screen.line.trimEnd();
  const behind = screen.line.slice(screen.before);
  // Text apart from the cursor is a shell's prompt at the right edge; text at the cursor is half typed.
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
  if (AUTOBOOT.test(text === '' ? last : text)) return taken('a boot loader with a countdown');
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

/** One or two keys that make a console show its state. */
export type Press = 'redraw' | 'clear' | 'enter' | 'resume';

/**
 * `redraw`: ^L makes a line editor, a pager or an editor redraw its screen and executes nothing. `clear`: ^E ^U empty
 * a half-typed line. `resume`: ^Q starts a console that ^S stopped.
 */
const KEYS: Record<Press, string> = { redraw: '\x0c', clear: '\x05\x15', enter: '\r', resume: '\x11' };
/**
 * Longest wait for an answer, ms: a shell redraws at once, a getty restarts, a stopped console has much to print.
 */
const ANSWER_MS: Record<Press, number> = { redraw: 500, clear: 500, enter: 2_500, resume: 1_200 };

export function keysOf(press: Press, before: readonly Press[]): string {
  // An unanswered ^L may be part of the line of a program that reads whole lines.
  return press === 'enter' && before.at(-1) === 'redraw' ? `\x15${KEYS.enter}` : KEYS[press];
}

export function answerTimeOf(press: Press): number {
  return ANSWER_MS[press];
}

/**
 * Returns the next key that does no harm to this screen; null: no key may be sent, none is needed, or none is left.
 * `fresh`: the screen shows output since its console was opened. `answered`: output came since the first key. Enter
 * comes after the harmless keys, and a second time only where the first brought nothing.
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
        // Where ^U was answered and the text is still there, it is old output and not a half-typed line.
        return answered && done.includes('clear') ? ['clear', 'redraw', 'enter', 'resume'] : ['clear', 'resume'];
      case 'text':
        // Where output was lost, an empty line may look like text: a line editor draws it anew for ^L. A program that reads
        // whole lines has ^L in its line then, and loses it by the second ^U.
        return fresh ? ['clear', 'redraw', 'clear'] : ['clear', 'redraw', 'enter', 'resume'];
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
