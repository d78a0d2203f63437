import { readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { racks } from '../support/racks.ts';
async function main(): Promise<void> {
  const N = Number(process.argv[2] ?? 32);
  const names = Array.from({ length: N }, (_, i) => `rack-${String(i + 1).padStart(2, '0')}`);
  const all = await racks(Object.fromEntries(names.map((n) => [n, 24])), []);
  names.forEach((n, i) => { const f = join(all.folder, `${n}.yaml`); writeFileSync(f, `${readFileSync(f, 'utf8')}metrics: { port: ${20100 + i} }\n`); });
  const server = await all.serve();
  const targets = names.map((_, i) => `'127.0.0.1:${20100 + i}'`).join(', ');
  writeFileSync(join(all.folder, 'p.yaml'), `global: { scrape_interval: 15s, scrape_timeout: 10s }\nscrape_configs:\n  - job_name: rackui\n    static_configs: [ { targets: [${targets}] } ]\n`);
  const prom = spawn('/usr/bin/prometheus', [`--config.file=${join(all.folder, 'p.yaml')}`, `--storage.tsdb.path=${join(all.folder, 'tsdb')}`, '--web.listen-address=127.0.0.1:20099', '--log.level=warn'], { stdio: 'inherit' });
  const ask = async (e: string): Promise<any[]> => { try { const a: any = await (await fetch(`http://127.0.0.1:20099/api/v1/query?query=${encodeURIComponent(e)}`)).json(); return a.status === 'success' ? a.data.result : [a.error]; } catch (x) { return []; } };
  for (let i = 0; i < 90; i++) { await new Promise((r) => setTimeout(r, 2000)); const r = await ask('sum(rackui_node_power{state="on"})'); if (r[0]?.value?.[1] === String(24 * N)) break; }
  await new Promise((r) => setTimeout(r, 40_000));
  console.log('racks up', (await ask('sum(up{job="rackui"})'))[0]?.value?.[1], 'nodes', (await ask('count(rackui_node_info)'))[0]?.value?.[1], 'on', (await ask('sum(rackui_node_power{state="on"})'))[0]?.value?.[1]);
  const board = JSON.parse(readFileSync('examples/prometheus/dashboard.json', 'utf8'));
  for (const p of board.panels) for (const t of p.targets ?? []) { const e = t.expr.replaceAll('$rack', '.*').replaceAll('$__rate_interval', '1m'); const b = performance.now(); const r = await ask(e); console.log(String(r.length).padStart(5), `${Math.round(performance.now() - b)} ms`, p.title, '|', t.expr.slice(0, 90)); }
  console.log('scrape s', (await ask('max(scrape_duration_seconds)'))[0]?.value?.[1]);
  prom.kill(); server.end(); await all[Symbol.asyncDispose](); process.exit(0);
}
void main();
