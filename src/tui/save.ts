/** Text of a console into a file of the operator's: only theirs to read, never over another file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns the file's path. `at`: epoch milliseconds. */
export async function saveText(directory: string, node: string, at: number, text: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = node.replace(/[^\w.-]/g, '_');
  for (let n = 1; ; n++) {
    const path = join(directory, `${name}-${time}${n === 1 ? '' : `-${n}`}.txt`);
    try {
      await writeFile(path, text.endsWith('\n') ? text : `${text}\n`, { flag: 'wx', mode: 0o600 });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
