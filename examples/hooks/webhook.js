#!/usr/bin/env node
// webhook.js URL [TOKENFILE]: posts a message of rackui as JSON: its fields, and `text` as chat programs want it (Slack,
// Mattermost, Rocket.Chat). TOKENFILE holds a bearer token. See docs/messages.md.
import { readFileSync } from 'node:fs';

const [url, tokenFile] = process.argv.slice(2);
if (url === undefined) {
  console.error('usage: webhook.js URL [TOKENFILE]');
  process.exit(64);
}
const fields = Object.fromEntries(
  Object.entries(process.env)
    .filter(([name]) => name.startsWith('RACKUI_'))
    .map(([name, value]) => [name.slice('RACKUI_'.length).toLowerCase(), value]),
);
const headers = { 'content-type': 'application/json' };
if (tokenFile !== undefined) headers.authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
try {
  const answer = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(fields),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
} catch (error) {
  // The address may hold a secret: it is not printed.
  console.error(`the webhook failed: ${error.cause?.code ?? error.message}`);
  process.exit(1);
}
