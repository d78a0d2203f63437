/** The sources as TypeScript's compiler reads them, which is a program of its own and is asked. */
import { fileURLToPath } from 'node:url';
import type { SourceFile } from 'typescript/unstable/ast';
import { API, type Project } from 'typescript/unstable/sync';

/** `syntax`: src alone, without the types of packages, which take most of the time; `types`: everything, as it is checked. */
const CONFIGS = {
  syntax: fileURLToPath(new URL('syntax.json', import.meta.url)),
  types: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
};

/** Starts the compiler, which runs as long as this process. */
export function openProject(needs: keyof typeof CONFIGS): Project {
  const config = CONFIGS[needs];
  const project = new API().updateSnapshot({ openProjects: [config] }).getProject(config);
  if (project === undefined) throw new Error(`the compiler does not read ${config}`);
  return project;
}

/** Returns the file at an absolute path. */
export function sourceAt({ program }: Project, path: string): SourceFile {
  const source = program.getSourceFile(path);
  if (source === undefined) throw new Error(`${path} is not among the sources`);
  return source;
}
