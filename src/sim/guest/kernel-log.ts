/** The kernel's last messages since it started, as `dmesg` shows them. */
import { stamp } from './machine.ts';

/** Messages of a kernel for an error that it survives, and for a panic. */
export const OOPS: readonly string[] = [
  'Unable to handle kernel paging request at virtual address ffffffc0110d2f40',
  'Internal error: Oops: 0000000096000047 [#1] PREEMPT SMP',
  '---[ end trace 0000000000000000 ]---',
];

export const PANIC: readonly string[] = [
  'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000038',
  'Internal error: Oops: 0000000096000005 [#1] PREEMPT SMP',
  'CPU: 2 UID: 0 PID: 812 Comm: kubelet Tainted: G        C',
  'Kernel panic - not syncing: Oops: Fatal exception in interrupt',
  '---[ end Kernel panic - not syncing: Oops: Fatal exception in interrupt ]---',
];

/** First errors of a dying card; more follow from programs that still write. */
export const READ_ONLY: readonly string[] = [
  'I/O error, dev mmcblk0, sector 1056768 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2',
  'EXT4-fs error (device mmcblk0p2): ext4_journal_check_start:84: comm kubelet: Detected aborted journal',
  'EXT4-fs (mmcblk0p2): Remounting filesystem read-only',
];

const KEPT = 400;

export class KernelLog {
  private kept: readonly string[] = [];

  get lines(): readonly string[] {
    return this.kept;
  }

  clear(): void {
    this.kept = [];
  }

  /** Adds lines that have their stamps already. */
  add(...lines: string[]): void {
    this.kept = [...this.kept, ...lines].slice(-KEPT);
  }

  /** Adds a message of this moment; returns its line. */
  addNow(text: string, uptimeMs: number): string {
    // Guest time often has whole milliseconds, which real stamps never have.
    const line = stamp(uptimeMs + ((text.length * 37) % 997) / 1000) + text;
    this.add(line);
    return line;
  }
}
