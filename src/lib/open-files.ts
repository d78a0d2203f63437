/** The files that a process has open, as the system's process table tells. */
import { readdirSync, readlinkSync } from 'node:fs';

/** Paths and names (`socket:[…]`) of what `pid` has open; empty where it is gone or another user's. */
export function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // gone, or another user's: only root can see those
  }
}
