/**
 * Widths of the node's emulator: those of the addon for Unicode 11, with the marks and wide characters that came up to
 * Unicode 17. The programs on a node count columns by its C library, whose tables are of these years.
 */
import unicode11 from '@xterm/addon-unicode11';
import type { IUnicodeVersionProvider, Terminal } from '@xterm/headless';
import type { Runs } from './widths.ts';

const MARKS: Runs = [
  [0x897, 0x89f],
  [0x8ca, 0x8d2],
  [0xb55, 0xb55],
  [0xc3c, 0xc3c],
  [0xd81, 0xd81],
  [0xece, 0xece],
  [0x180f, 0x180f],
  [0x1abf, 0x1add],
  [0x1ae0, 0x1aeb],
  [0x1dfa, 0x1dfa],
  [0xa82c, 0xa82c],
  [0xd7b0, 0xd7fb],
  [0x10d69, 0x10d6d],
  [0x10eab, 0x10eac],
  [0x10efa, 0x10eff],
  [0x10f82, 0x10f85],
  [0x11070, 0x11074],
  [0x110c2, 0x110c2],
  [0x111cf, 0x111cf],
  [0x11241, 0x11241],
  [0x1193b, 0x1193e],
  [0x11943, 0x11943],
  [0x1cf00, 0x1cf46],
  [0x1e08f, 0x1e08f],
  [0x1e2ae, 0x1e2ae],
  [0x1e4ec, 0x1e4ef],
];

const WIDE: Runs = [
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2ffc, 0x2fff],
  [0x31bb, 0x31bf],
  [0x31e4, 0x31ef],
  [0x4dc0, 0x4dff],
  [0x187f8, 0x187ff],
  [0x18af3, 0x18df2],
  [0x1aff0, 0x1affe],
  [0x1b11f, 0x1b155],
  [0x1d300, 0x1d376],
  [0x1f6d6, 0x1f6d8],
  [0x1f6dc, 0x1f6df],
  [0x1f6fb, 0x1f6fc],
  [0x1f7f0, 0x1f7f0],
  [0x1f90c, 0x1f90c],
  [0x1f972, 0x1f972],
  [0x1f977, 0x1f979],
  [0x1f9a3, 0x1f9a4],
  [0x1f9ab, 0x1f9ad],
  [0x1f9cb, 0x1f9cc],
  [0x1fa74, 0x1fa77],
  [0x1fa7b, 0x1fa7c],
  [0x1fa83, 0x1fa8f],
  [0x1fa96, 0x1fac8],
  [0x1facd, 0x1fadc],
  [0x1fadf, 0x1faef],
  [0x1faf0, 0x1faf8],
];

const newer = new Map<number, 0 | 2>();
for (const [runs, width] of [[MARKS, 0] as const, [WIDE, 2] as const])
  for (const [first, last] of runs) for (let code = first; code <= last; code++) newer.set(code, width);

/** Makes a terminal count columns by these widths. */
export function useNewerWidths(terminal: Terminal): void {
  // The addon has no other door to its table, and derives everything from this method.
  const taken: IUnicodeVersionProvider[] = [];
  const unicode = { register: (provider: IUnicodeVersionProvider) => taken.push(provider) };
  new unicode11.Unicode11Addon().activate({ unicode });
  for (const provider of taken) {
    const widthIn11 = provider.wcwidth.bind(provider);
    terminal.unicode.register(
      Object.assign(provider, {
        version: '17',
        wcwidth: (code: number) => newer.get(code) ?? widthIn11(code),
      }),
    );
  }
  terminal.unicode.activeVersion = '17';
}
