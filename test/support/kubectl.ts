/** A stand-in of kubectl: a script that does as a file beside it says, and lists of nodes in the shape of the real one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface ListedNode {
  name: string;
  ready?: 'True' | 'False' | 'Unknown';
  cordoned?: boolean;
}

const REASONS = {
  True: { reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  False: { reason: 'KubeletNotReady', message: 'container runtime network not ready: cni plugin not initialized' },
  Unknown: { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' },
};
const TIME = '2026-03-14T09:26:53Z';

/** One item of the list, with what kubectl 1.31 prints of a worker on a Raspberry Pi. */
function listedNode({ name, ready = 'True', cordoned = false }: ListedNode): unknown {
  const pressure = (type: string): unknown => ({
    ...{
      lastHeartbeatTime: TIME,
      lastTransitionTime: TIME,
      message: `kubelet has no ${type}`,
      reason: `KubeletHasNo${type}`,
    },
    ...{ status: ready === 'Unknown' ? 'Unknown' : 'False', type },
  });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
      creationTimestamp: TIME,
      labels: { 'kubernetes.io/arch': 'arm64', 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' },
      ...{ name, resourceVersion: '123456', uid: '0f3f2f0e-52a7-4f5b-8f39-3c1f5d1e6a11' },
    },
    spec: {
      ...{ podCIDR: '10.42.3.0/24', podCIDRs: ['10.42.3.0/24'], providerID: `k3s://${name}` },
      ...(cordoned
        ? {
            taints: [{ effect: 'NoSchedule', key: 'node.kubernetes.io/unschedulable', timeAdded: TIME }],
            unschedulable: true,
          }
        : {}),
    },
    status: {
      addresses: [
        { address: '10.0.0.13', type: 'InternalIP' },
        { address: name, type: 'Hostname' },
      ],
      allocatable: { cpu: '4', memory: '7998360Ki', pods: '110' },
      capacity: { cpu: '4', memory: '7998360Ki', pods: '110' },
      conditions: [
        pressure('MemoryPressure'),
        pressure('DiskPressure'),
        pressure('PIDPressure'),
        { lastHeartbeatTime: TIME, lastTransitionTime: TIME, ...REASONS[ready], status: ready, type: 'Ready' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      images: [
        {
          names: ['docker.io/rancher/mirrored-pause@sha256:74c4244427b7312c', 'rancher/mirrored-pause:3.6'],
          sizeBytes: 253243,
        },
      ],
      nodeInfo: { architecture: 'arm64', kubeletVersion: 'v1.31.5+k3s1', osImage: 'Debian GNU/Linux 12 (bookworm)' },
    },
  };
}

/** The output of `kubectl get nodes -o json`. */
export function nodeList(...nodes: ListedNode[]): string {
  const list = { apiVersion: 'v1', items: nodes.map(listedNode), kind: 'List', metadata: { resourceVersion: '' } };
  return JSON.stringify(list, null, 4);
}

/** Writes the stand-in into a folder; returns what sets its script. Before that it prints nothing. */
export function writeKubectl(folder: string): (script: string) => void {
  const behaviour = join(folder, 'behaviour');
  writeFileSync(behaviour, '');
  writeFileSync(join(folder, 'kubectl'), `#!/bin/sh\nfolder=$(dirname "$0")\n. "$folder/behaviour"\n`, { mode: 0o755 });
  return (script) => writeFileSync(behaviour, script);
}

/** A script that prints a list, and a warning beside it. */
export function printsNodes(folder: string, ...nodes: ListedNode[]): string {
  writeFileSync(join(folder, 'nodes.json'), nodeList(...nodes));
  return 'echo "W1129 20:00:00 memcache.go:287] couldn\'t get resource list" >&2; cat "$folder/nodes.json"';
}
