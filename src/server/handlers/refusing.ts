/** What power operations and plans refuse, in the protocol's words. */
import { ConsoleHeld } from '../../power/ports.ts';
import { NoSuchOperation, PowerRefused } from '../../power/refused.ts';
import type { Services } from '../services.ts';
import { rpcError } from './methods.ts';

/** @throws {ResponseError} */
export async function refusing<T>({ consoles }: Pick<Services, 'consoles'>, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PowerRefused) throw rpcError('refused', error.message, error.refusals);
    if (error instanceof NoSuchOperation) throw rpcError('unknown', error.message);
    if (error instanceof ConsoleHeld) throw rpcError('held', error.message, consoles.state());
    throw error;
  }
}
