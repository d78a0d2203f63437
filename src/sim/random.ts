/** Seeded randomness: a rack that was played once can be played again. */

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** The 32-bit mixer that both functions below rest on: every input bit reaches every output bit. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** A stream of numbers that depends on nothing but the seed. */
export function seededRandom(seed: number): Random {
  let state = mix(seed);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 2 ** 32;
  };
}

/**
 * The same number for the same coordinates, whoever asks and how often: jitter of a sensor that is read lazily must not
 * depend on how many times it was read. In [0, 1).
 */
export function noiseAt(...coordinates: number[]): number {
  let hash = 0x9e3779b9;
  for (const value of coordinates) hash = mix(hash ^ mix(value));
  return hash / 2 ** 32;
}
