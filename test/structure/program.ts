/** The sources of `tsconfig.json` as TypeScript's compiler reads them, which is a program of its own and is asked. */
import { fileURLToPath } from 'node:url';
import type { SourceFile } from 'typescript/unstable/ast';
import { API, type Project } from 'typescript/unstable/sync';

const CONFIG = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));

/** Starts the compiler, which runs as long as this process. */
export function openProject(): Project {
  const project = new API().updateSnapshot({ openProjects: [CONFIG] }).getProject(CONFIG);
  if (project === undefined) throw new Error(`the compiler does not read ${CONFIG}`);
  return project;
}

/** Returns the file at an absolute path. */
export function sourceAt({ program }: Project, path: string): SourceFile {
  const source = program.getSourceFile(path);
  if (source === undefined) throw new Error(`${path} is not among the sources of ${CONFIG}`);
  return source;
}
