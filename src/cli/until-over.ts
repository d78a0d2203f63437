/** Watching what a server does by itself, until it is over or until the operator has seen enough. */
import { EXIT } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { Failure } from './failure.ts';

/** 128 + SIGINT: the operator left, what was watched goes on. */
export const LEFT = 130;

export interface Watched<T> {
  /** Hears of every state, of others' too; returns how to stop. */
  listen(tell: (state: T) => void): () => void;
  show(state: T): void;
  isOver(state: T): boolean;
  /** The error's words where the server is lost; `why` begins the sentence. */
  lost(why: string): string;
}

/** Resolves with its last state: it is over, or Ctrl-C was pressed. @throws {Failure} the server is lost */
export function untilOver<T extends { id: string }>(client: RackClient, started: T, watched: Watched<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let latest = started;
    const leave = (): void => settle(() => resolve(latest));
    const stops = [
      watched.listen((state) => {
        if (state.id === started.id) show(state);
      }),
      client.onClose((why) => settle(() => reject(new Failure(EXIT.unavailable, watched.lost(why))))),
    ];
    process.on('SIGINT', leave);
    show(started);

    function show(state: T): void {
      latest = state;
      watched.show(state);
      if (watched.isOver(state)) leave();
    }

    function settle(finish: () => void): void {
      for (const stop of stops) stop();
      process.off('SIGINT', leave);
      finish();
    }
  });
}
