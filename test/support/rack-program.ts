/** The program of `rack-process.ts`: starts and stops simulated racks as it is asked to, and ends with who asks. */
import { startControlled } from '../../src/sim/control/socket.ts';
import type { SimHost } from '../../src/sim/host.ts';
import { parseSimArgs } from '../../src/sim/options.ts';
import type { Answer, Request } from './rack-process.ts';

const racks = new Map<number, SimHost>();

async function answer(request: Request): Promise<Answer> {
  const { id } = request;
  if ('stop' in request) {
    racks.get(request.stop)?.close();
    racks.delete(request.stop);
    return { id, port: '', error: null };
  }
  try {
    const rack = await startControlled(parseSimArgs(request.start));
    racks.set(id, rack);
    return { id, port: rack.port ?? '', error: null };
  } catch (error) {
    return { id, port: '', error: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (request: Request) => void answer(request).then((said) => process.send?.(said)));
process.once('disconnect', () => {
  for (const rack of racks.values()) rack.close();
  process.exit();
});
