/** Seeded randomness: the same seed reproduces the same rack. */

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** Mixes 32 bits for both functions below: every input bit affects every output bit. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Returns a stream of numbers that depends only on the seed. */
export function seededRandom(seed: number): Random {
  let state = mix(seed);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 2 ** 32;
  };
}

/**
 * Returns the same number for the same coordinates at every call: jitter of a sensor that is read lazily must not
 * depend on the number of reads. In [0, 1).
 */
export function noiseAt(...coordinates: number[]): number {
  let hash = 0x9e3779b9;
  for (const value of coordinates) hash = mix(hash ^ mix(value));
  return hash / 2 ** 32;
}
