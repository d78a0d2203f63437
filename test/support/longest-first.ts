/**
 * Starts the files first that take longest by the clock: one of them alone would end the run, and in a fresh checkout no
 * earlier run tells which they are.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of half a minute and more, which wait for most of it. */
const LONG = [
  'package/debian',
  'e2e/files',
  'scenarios/outage-last',
  'e2e/http',
  'scenarios/whole-rack',
  'scenarios/ways',
  'scenarios/plan-kill',
  'e2e/racks',
  'e2e/far-links',
  'scenarios/stalled-ways',
  'e2e/redfish',
  'cli/doctor',
  'package/redfishpower',
  'e2e/fleet-plan-interface',
  'faults/outage-processes',
  'e2e/console-slow',
  'e2e/fleet-power',
  'e2e/console-ports',
  'e2e/boot-chart',
  'cli/install',
].map((name) => `test/${name}.test.ts`);

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.indexOf(relative(this.ctx.config.root, moduleId));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
