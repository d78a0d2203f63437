/**
 * A stand in this process and in real time, on a line in memory: for programs, terminals and shells that are processes of
 * their own, where the server and the rack need not be. It saves the start of two programs, and the device between them.
 */
import { readFileSync } from 'node:fs';
import { openInterface, REFERENCE_RACK, type Stand } from './stand.ts';
import { virtualStand, type VirtualStandOptions } from './virtual-stand.ts';

const REAL_TIME: VirtualStandOptions['clock'] = {
  get now() {
    return performance.now();
  },
  soon: (fn) => void setImmediate(fn),
  goOn: () => Promise.reject(new Error('in real time this process cannot be stopped')),
};

export async function innerStand(options: Omit<VirtualStandOptions, 'clock'>): Promise<Stand> {
  const place = await virtualStand({ ...options, clock: REAL_TIME });
  const open: Stand['open'] = (terminal) => openInterface(place, terminal);
  const client = await place.client();
  await client.request('sweep', { addrs: null, interrupt: false });
  return Object.assign(place, { open });
}

/** The reference rack, its guests in a hurry. */
export function referenceStand(): Promise<Stand> {
  return innerStand({ config: readFileSync(REFERENCE_RACK, 'utf8'), sim: ['--time-scale', '20'] });
}
