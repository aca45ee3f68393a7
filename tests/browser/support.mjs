// Starts Debian's Chromium and says which server is driven. No test lives here.
import net from 'node:net';
import { chromium } from 'playwright-core';

function need(name) {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: BASE_URL, USERNAME and PASSWORD name the server and a user of it`);
  return value;
}

export const BASE_URL = need('BASE_URL').replace(/\/$/, '');
export const USERNAME = need('USERNAME');
export const PASSWORD = need('PASSWORD');

/** How long a step may take, in ms: slow machines are no failures. */
const STEP_MS = 20_000;

// Everything that would speak to the world outside is off.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
  return { browser, context: await newContext(browser) };
}

/** Windows that share cookies and streams; another context is another person. */
export async function newContext(browser, options = {}) {
  const context = await browser.newContext({ baseURL: BASE_URL, viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(STEP_MS);
  return context;
}

/** Asks the API with the context's cookies. */
export async function ask(context, method, path, data) {
  const response = await context.request.fetch(path, { method, data, headers: { 'X-Requested-With': 'updraft' } });
  if (!response.ok()) throw new Error(`${method} ${path}: ${response.status()} ${await response.text()}`);
  return response.status() === 204 ? undefined : response.json();
}

export const signIn = (context, username = USERNAME, password = PASSWORD) => ask(context, 'POST', '/auth/login', { username, password });

/** Triggers a run and gives its address. */
export async function triggerRun(context, dagId, conf = {}) {
  const run = await ask(context, 'POST', `/api/v2/dags/${dagId}/dagRuns`, { logical_date: null, conf });
  return { api: `/api/v2/dags/${dagId}/dagRuns/${encodeURIComponent(run.dag_run_id)}`, page: `/dags/${dagId}/runs/${encodeURIComponent(run.dag_run_id)}` };
}

/** The server at an address of its own, at which it can go away and come back. */
export async function startProxy() {
  const { hostname, port } = new URL(BASE_URL);
  const sockets = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  const listen = (at) => new Promise((done) => server.listen(at, '127.0.0.1', done));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  await listen(0);
  const { port: own } = server.address();
  const goAway = () =>
    new Promise((done) => {
      server.close(done);
      cut();
    });
  return { url: `http://127.0.0.1:${own}`, cut, goAway, comeBack: () => listen(own), end: () => (server.listening ? goAway() : undefined) };
}

/** What the page should never do: throw, or break its own Content-Security-Policy. */
export function collectProblems(page) {
  const problems = [];
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    // A failed login is answered with 401, which the browser reports; everything else is ours.
    if (message.type() === 'error' && !message.text().includes('status of 401')) problems.push(message.text());
  });
  return problems;
}
