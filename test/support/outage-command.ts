/** `rackui outage …` in this process. */
import { startCommand } from './command.ts';

export interface CommandEnd {
  code: number | null;
  /** Both streams. */
  said: string;
}

export async function outageCommand(socket: string, ...args: string[]): Promise<CommandEnd> {
  const command = startCommand(['--socket', socket, 'outage', ...args], { env: { RACKUI_CONFIG: undefined } });
  const { code, stdout, stderr } = await command.ended;
  return { code, said: stdout + stderr };
}
