// `npm run mock`: serves the page over an invented world, to work on it without a server.
// Log in as admin / admin.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import { routes } from './routes';
import { logLines, World } from './world';

/** Stricter than the server's: the built page must live with it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'";

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(body === undefined ? 204 : status, { 'Content-Type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.flushHeaders();
}

function streamFeed(world: World, response: ServerResponse): void {
  openStream(response);
  response.write('id: 0\ndata: []\n\n');
  const stop = world.listen((seq, changes) => response.write(`id: ${seq}\ndata: ${JSON.stringify(changes)}\n\n`));
  response.on('close', stop);
}

function streamLog(world: World, url: URL, from: string, response: ServerResponse): boolean {
  const match = /^\/api\/v2\/dags\/([^/]+)\/dagRuns\/([^/]+)\/taskInstances\/([^/]+)\/logs\/(\d+)\/stream$/.exec(url.pathname);
  if (match === null) return false;
  const [dagId = '', runId = '', taskId = '', number = ''] = match.slice(1).map(decodeURIComponent);
  const ti = world.run(dagId, runId).tis.get(taskId);
  openStream(response);
  let sent = Number(from);
  const timer = setInterval(() => {
    if (ti === undefined) return;
    const lines = logLines(ti, Number(number));
    if (lines.length > sent) response.write(`id: ${lines.length}\ndata: ${JSON.stringify(lines.slice(sent))}\n\n`);
    sent = lines.length;
    if (ti.end !== null) response.end('event: end\ndata: {}\n\n');
  }, 100);
  response.on('close', () => clearInterval(timer));
  return true;
}

function handler(world: World): Connect.NextHandleFunction {
  const table = routes(world);
  return (request, response, next) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (!/^\/(api|auth)\//.test(url.pathname)) {
      next();
      return;
    }
    const answer = async () => {
      const body = await readBody(request);
      if (url.pathname === '/auth/login') {
        const right = body['username'] === 'admin' && body['password'] === 'admin';
        if (right) response.setHeader('Set-Cookie', 'mock=1; Path=/; HttpOnly');
        send(response, right ? 200 : 401, { detail: right ? null : 'Invalid credentials' });
      } else if (url.pathname === '/auth/logout') {
        response.setHeader('Set-Cookie', 'mock=; Path=/; Max-Age=0');
        send(response, 204, undefined);
      } else if (request.headers.cookie?.includes('mock=1') !== true) send(response, 401, { detail: 'Unauthorized' });
      else if (url.pathname === '/api/v2/feed') streamFeed(world, response);
      else if (!streamLog(world, url, String(request.headers['last-event-id'] ?? 0), response)) {
        const route = table.find(([method, pattern]) => method === request.method && pattern.test(url.pathname));
        if (route === undefined) send(response, 404, { detail: `The mock has no ${request.method ?? ''} ${url.pathname}` });
        else {
          const params = (route[1].exec(url.pathname) ?? []).slice(1).map(decodeURIComponent);
          send(response, 200, route[2](params, { query: url.searchParams, body }));
        }
      }
    };
    answer().catch((error: unknown) => send(response, 404, { detail: error instanceof Error ? error.message : String(error) }));
  };
}

export function mockServer(): Plugin {
  return {
    name: 'updraft-mock-server',
    configureServer: (server) => void server.middlewares.use(handler(new World())),
    configurePreviewServer: (server) => {
      server.middlewares.use((_, response, next) => {
        response.setHeader('Content-Security-Policy', POLICY);
        next();
      });
      server.middlewares.use(handler(new World()));
    },
  };
}
