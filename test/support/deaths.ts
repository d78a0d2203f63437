/** Kills the server of a virtual stand at transitions that its journals write down, once at each. */
import type { Stand } from './stand.ts';
import type { Witness } from './virtual-stand.ts';

export class Deaths {
  /** Keys at which servers died, in order. */
  readonly died: string[] = [];
  readonly #wanted: (key: string) => boolean;
  readonly #place: () => Pick<Stand, 'killServer'>;
  #dying = false;
  #onDeath: () => void = () => undefined;

  /** `place`: the stand, once there is one. */
  constructor(wanted: (key: string) => boolean, place: () => Pick<Stand, 'killServer'>) {
    this.#wanted = wanted;
    this.#place = place;
  }

  /** Every second one dies before its entry is on the disk, the others right after. */
  readonly witness: Witness = async (keys, store) => {
    const key = keys.find((one) => this.#wanted(one) && !this.died.includes(one));
    if (key === undefined || this.#dying) return store();
    this.#dying = true;
    this.died.push(key);
    if (this.died.length % 2 === 1) await store();
    // Waiting for it would be waiting for this entry.
    void this.#place().killServer();
    this.#onDeath();
  };

  /** Resolves at the death of the life that begins now. */
  next(): Promise<null> {
    this.#dying = false;
    return new Promise((resolve) => (this.#onDeath = () => resolve(null)));
  }
}
