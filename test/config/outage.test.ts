/** What is wrong with UPSes and outage policies: each with its place and words. */
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../src/config/load.ts';

const RACK = `nodes: [{ addr: "00", name: boss, role: master }, { addr: "01", name: n1 }, { addr: "02", name: n2 }]
plans: { shed-all: { steps: [{ name: s, action: off, selector: n1 }] }, bring-up: { steps: [{ name: s, action: on, selector: n1 }] } }
`;

function problemsOf(yaml: string): string {
  try {
    parseConfig(RACK + yaml, 'rack.yaml');
    return 'no problem';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const UPS = 'ups: [{ name: a, nodes: n1 }, { name: b, nodes: n2 }, { name: c, nodes: "n1 n2" }]\n';

describe('an outage policy that cannot work names line and column', () => {
  test.each<[what: string, yaml: string, problem: string]>([
    [
      'one policy with an unknown UPS',
      `${UPS}outage: { ups: [a, x] }`,
      "rack.yaml:4:20: outage.ups.1: there is no UPS 'x' under ups; UPSes: a, b, c",
    ],
    [
      'no UPS at all',
      'outage: { ups: [left] }',
      "rack.yaml:3:17: outage.ups.0: there is no UPS 'left' under ups; UPSes: none",
    ],
    [
      'the second of two policies with an unknown UPS',
      `${UPS}outage: [{ ups: [a] }, { ups: [none] }]`,
      "rack.yaml:4:32: outage.1.ups.0: there is no UPS 'none' under ups",
    ],
    [
      'two policies for a node, by different UPSes',
      `${UPS}outage: [{ ups: [a] }, { ups: [c] }]`,
      'rack.yaml:4:24: outage.1: n1 is in policy 1 already, by the UPS that feeds it: a node belongs to one policy',
    ],
    [
      'two policies for a node in the other order',
      `${UPS}outage: [{ ups: [c] }, { ups: [b] }]`,
      'rack.yaml:4:24: outage.1: n2 is in policy 1 already, by the UPS that feeds it: a node belongs to one policy',
    ],
    [
      'two policies for one UPS',
      `${UPS}outage: [{ ups: [a] }, { ups: [a] }]`,
      "rack.yaml:4:31: outage.1.ups: UPS 'a' is in policy 1 already: a UPS belongs to one policy",
    ],
    [
      'UPSes of one policy that feed different nodes',
      `${UPS}outage: { ups: [a, b] }`,
      'its UPSes feed different nodes (n1; n2)',
    ],
    [
      'a step by a plan that is not there',
      'outage: { onBattery: [{ after: 5, run: shed-dve }] }',
      "rack.yaml:3:40: outage.onBattery.0.run: there is no plan 'shed-dve'; plans: shed-all, bring-up",
    ],
    ['a last plan that is not there', 'outage: { last: shed }', "rack.yaml:3:17: outage.last: there is no plan 'shed'"],
    [
      'a restore by a plan that is not there',
      'outage: { restore: { run: up } }',
      "rack.yaml:3:27: outage.restore.run: there is no plan 'up'; plans: shed-all, bring-up",
    ],
    ['a last plan that switches on', 'outage: { last: bring-up }', "has a step 's' that is on, not off"],
    ['a restore that switches off', 'outage: { restore: { run: shed-all } }', "has a step 's' that is off, not on"],
    [
      'more UPSes needed than there are',
      `${UPS}outage: { ups: [a], needs: 2 }`,
      '2 UPSes must deliver, but the policy has only 1',
    ],
    [
      'steps out of order',
      'outage: { onBattery: [{ after: 60, run: shed-all }, { after: 5, run: shed-all }] }',
      'rack.yaml:3:62: outage.onBattery.1.after: comes after 60 s in the list',
    ],
    ['a UPS of unknown nodes', 'ups: [{ name: a, nodes: n7 }]', 'rack.yaml:3:25: '],
    ['a user without a password', 'ups: [{ name: a, user: x }]', 'user and password are required together'],
    [
      'two UPSes of one name',
      'ups: [{ name: a }, { name: a }]',
      "rack.yaml:3:28: ups.1.name: UPS 'a' is defined twice",
    ],
    ['a runtime that is no time', 'outage: { runtime: -5 }', 'rack.yaml:3:20: outage'],
  ])('%s', (_what, yaml, problem) => {
    expect(problemsOf(yaml)).toContain(problem);
  });

  test('a policy for each UPS, and one for two that feed the same nodes, are none', () => {
    expect(problemsOf(`${UPS}outage: [{ ups: [a] }, { ups: [b], runtime: 600 }]`)).toBe('no problem');
    expect(problemsOf('ups: [{ name: a }, { name: b }]\noutage: { needs: 1 }')).toBe('no problem');
  });

  test('without a last plan, and none of the usual name, the battery would end with every node on', () => {
    expect(() => parseConfig('nodes: [{ addr: "01", name: n1 }]\noutage: { margin: 5 }', 'rack.yaml')).toThrow(
      /rack\.yaml:2:\d+: outage: last: names no plan, and no plan is named shed-all/,
    );
  });
});
