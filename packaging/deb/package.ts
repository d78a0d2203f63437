/**
 * Builds the Debian packages of the built program, one for each architecture, into the directory that is named, or
 * `release`. Needs npm for the production modules and dpkg-deb; compiles nothing.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readCommandLine } from '../../src/cli/completion/command-line.ts';
import { declare } from '../../src/cli/program.ts';
import { manualPages } from '../manual.ts';
import { checksums, installedSize, setModes } from './files.ts';
import { installModules } from './modules.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Debian's names of the architectures, and npm's. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
/** Where Debian's shells look for completions. */
const COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions/rackui',
  zsh: 'usr/share/zsh/vendor-completions/_rackui',
  fish: 'usr/share/fish/vendor_completions.d/rackui.fish',
};
/** Files of the sources, and their places in the package. */
const PLACES = {
  'packaging/systemd/rackui.service': 'usr/lib/systemd/system/rackui.service',
  'packaging/systemd/rackui.sysusers': 'usr/lib/sysusers.d/rackui.conf',
  'packaging/systemd/rackui.tmpfiles': 'usr/lib/tmpfiles.d/rackui.conf',
  'packaging/systemd/95-rackui.rules': 'usr/lib/udev/rules.d/95-rackui.rules',
  'packaging/deb/rack.yaml': 'etc/rackui/rack.yaml',
  'packaging/deb/lintian-overrides': 'usr/share/lintian/overrides/rackui',
  bin: 'usr/lib/rackui/bin',
  'package.json': 'usr/lib/rackui/package.json',
  'package-lock.json': 'usr/lib/rackui/package-lock.json',
  dist: 'usr/lib/rackui/dist',
  themes: 'usr/lib/rackui/themes',
  'src/config/racks': 'usr/lib/rackui/src/config/racks',
  docs: 'usr/share/doc/rackui/docs',
  examples: 'usr/share/doc/rackui/examples',
  'README.md': 'usr/share/doc/rackui/README.md',
  'CHANGELOG.md': 'usr/share/doc/rackui/CHANGELOG.md',
};

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
/** A version `1.0.0-rc.1` comes before 1.0.0, which Debian writes with a tilde. */
const version = (manifest['version'] ?? '').replace('-', '~');
const { DEBFULLNAME: name = 'The rackui authors', DEBEMAIL: email = 'rackui@rackui.invalid' } = process.env;
const maintainer = `${name} <${email}>`;
/** The commit's time, so that the same sources make the same package; outside of a repository the present. */
const time = new Date(1000 * Number(process.env['SOURCE_DATE_EPOCH'] ?? commitTime()));

function commitTime(): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=%ct'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
  } catch {
    return String(Math.floor(Date.now() / 1000));
  }
}

/** Returns the files that are made here and are the same for all architectures: manual pages, completions, change log. */
function commonFiles(): [path: string, content: Buffer][] {
  const compressed = (path: string, text: string): [string, Buffer] => [`${path}.gz`, gzipSync(text, { level: 9 })];
  const commands = readCommandLine(declare(() => () => Promise.resolve()));
  const pages = manualPages(commands, version, time.toISOString().slice(0, 10));
  return [
    ...pages.map((page) => compressed(`usr/share/man/man1/${page.name}.1`, page.text)),
    ...Object.entries(COMPLETIONS).map(([shell, path]): [string, Buffer] => [
      path,
      execFileSync(process.execPath, [join(ROOT, 'bin/rackui'), 'completion', shell]),
    ]),
    compressed('usr/share/doc/rackui/changelog', changelog()),
  ];
}

/** Builds one package and returns its path. */
function buildPackage(architecture: keyof typeof ARCHITECTURES, folder: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'rackui-package-'));
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  };
  try {
    for (const [from, to] of Object.entries(PLACES))
      cpSync(join(ROOT, from), join(tree, to), { recursive: true, filter: (path) => !path.endsWith('.map') });
    const program = join(tree, 'usr/lib/rackui');
    write('usr/share/doc/rackui/copyright', copyright(program, installModules(program, ARCHITECTURES[architecture])));
    for (const name of ['package-lock.json', 'dist/NOTICE']) rmSync(join(program, name));
    mkdirSync(join(tree, 'usr/bin'));
    symlinkSync('../lib/rackui/bin/rackui', join(tree, 'usr/bin/rackui'));

    for (const [path, content] of COMMON) write(path, content);

    for (const script of SCRIPTS) cpSync(join(ROOT, 'packaging/deb', script), join(tree, 'DEBIAN', script));
    write('DEBIAN/conffiles', '/etc/rackui/rack.yaml\n');
    write('DEBIAN/control', control(architecture, installedSize(tree)));
    write('DEBIAN/md5sums', checksums(tree));
    setModes(tree);
    const file = join(folder, `rackui_${version}_${architecture}.deb`);
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(time.getTime() / 1000) };
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, file], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return file;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function control(architecture: string, size: number): string {
  return `Package: rackui
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: nodejs (>= 20.19), libc6 (>= 2.34), libgcc-s1, libstdc++6, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles
Recommends: openssh-client
Suggests: nut-client
Section: admin
Priority: optional
Description: terminal console for a rack of small computers
 The boards' management controllers share one serial bus. rackui shows all
 nodes as a live map, opens their consoles, and switches power off only after
 a node has provably halted. The package runs its server as a service.
`;
}

/** Debian has this text; its packages refer to it. */
const APACHE =
  /Apache License\s+Version 2\.0, January 2004[\s\S]*?limitations under the License\.(\s+(?=[\s\S]{0,999}Apache License\s+Version))?/g;

function copyright(program: string, licences: string): string {
  const notice = readFileSync(join(program, 'dist/NOTICE'), 'utf8');
  return `rackui

${readFileSync(join(ROOT, 'LICENSE'), 'utf8')}

${notice.replace(APACHE, 'The text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.')}

The packages in /usr/lib/rackui/node_modules, each group with its licence:

${licences}
`;
}

function changelog(): string {
  const date = time.toUTCString().replace('GMT', '+0000');
  return `rackui (${version}) unstable; urgency=medium

  * /usr/share/doc/rackui/CHANGELOG.md says what is new.

 -- ${maintainer}  ${date}
`;
}

const COMMON = commonFiles();
const folder = process.argv[2] ?? join(ROOT, 'release');
mkdirSync(folder, { recursive: true });
for (const architecture of Object.keys(ARCHITECTURES) as (keyof typeof ARCHITECTURES)[])
  console.log(buildPackage(architecture, folder));
