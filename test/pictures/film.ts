/** The moving picture: the program while it is used, as an asciicast (version 2) and as one SVG that moves by itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestTerminal } from '../support/terminal.ts';
import { groundOf, logIn, press, seconds } from './scenes.ts';
import type { Stage } from './stage.ts';
import { type Film, filmToSvg, rowsOf } from './svg.ts';

export const FILM = { name: 'film', title: 'rackui at work', theme: 'dark', cols: 100, rows: 30 };

/** Milliseconds between two looks at the screen; seconds for which the last screen stays. */
const LOOK_MS = 100;
const LAST_S = 3;
/** The program has drawn all of a frame (synchronized output). */
const DRAWN = '\x1b[?2026l';

/** Notes what the terminal gets, and its screens, until it is stopped. */
class Recorder {
  readonly #terminal: TestTerminal;
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #events: [at: number, kind: 'o', data: string][] = [];
  readonly #film: Film[] = [];
  #seen = 0;

  constructor(terminal: TestTerminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Ends the recording. */
  stop({ title, theme }: { title: string; theme: string }): { cast: string; svg: string } {
    clearInterval(this.#timer);
    this.#look();
    const { cols, rows } = this.#terminal;
    const header = { version: 2, width: cols, height: rows, title, env: { TERM: 'xterm-256color' } };
    const cast = [header, ...this.#events].map((line) => `${JSON.stringify(line)}\n`).join('');
    const [first] = this.#film;
    // What was before the first frame is not shown.
    const film = this.#film.map(({ at, rows: shown }) => ({ at: at - (first?.at ?? 0), rows: shown }));
    const end = (film.at(-1)?.at ?? 0) + LAST_S;
    return { cast, svg: filmToSvg({ cols, rows, title, ground: groundOf(theme) }, film, end) };
  }

  #look(): void {
    const { output } = this.#terminal;
    const more = output.slice(this.#seen);
    if (more === '' || !output.endsWith(DRAWN)) return;
    this.#seen = output.length;
    const at = Math.round(performance.now() - this.#began) / 1000;
    this.#events.push([at, 'o', more]);
    const rows = rowsOf(this.#terminal, groundOf(FILM.theme));
    const last = this.#film.at(-1);
    if (last === undefined || rows.some((row, y) => row !== last.rows[y])) this.#film.push({ at, rows });
  }
}

/** The rack and its values; a console; a node that is shut down, with the proof that it halted. */
async function play(screen: TestTerminal): Promise<void> {
  await seconds(2);
  await press(screen, 'w', 2);
  await press(screen, 'HH', 1.5);
  await press(screen, 'HHHH', 0.3);
  await press(screen, '03', 0.4);
  screen.type('\r');
  await logIn(screen);
  await press(screen, 'uptime\r', 0.1);
  await seconds(1.5);
  await press(screen, '\x1dd', 0.5);
  await screen.waitFor((s) => !/then d detach/.test(s.text()), 'the map alone');
  await press(screen, '01', 0.4);
  await press(screen, 'ps', 1);
  await screen.waitFor(/To confirm type/);
  await seconds(1.5);
  await press(screen, 'dk8s-worker-01', 0.1);
  screen.type('\r');
  await screen.waitFor(/confirmed by two status replies/, 'the end of the shutdown', 90_000);
  await seconds(2);
}

/** Writes `film.cast` and `film.svg` into the folder. */
export async function drawFilm(stage: Stage, folder: string): Promise<void> {
  await using screen = stage.open(FILM);
  await screen.waitFor(/2[0-4] on\b/);
  const recorder = new Recorder(screen);
  await play(screen);
  const { cast, svg } = recorder.stop(FILM);
  writeFileSync(join(folder, `${FILM.name}.cast`), cast);
  writeFileSync(join(folder, `${FILM.name}.svg`), svg);
}
