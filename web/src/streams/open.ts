// The page's end of its event streams: they live in the hub, which the pages of a browser share.
import { Hub, type Page } from './hub';
import type { FromHub, StreamKind, StreamStatus, ToHub } from './messages';
import type { SentEvent } from './parse';

export interface StreamListener {
  status: (status: StreamStatus) => void;
  events: (events: SentEvent[]) => void;
}
interface OpenStream {
  url: string;
  kind: StreamKind;
  listener: StreamListener;
}

type Send = (message: ToHub) => void;

const streams = new Map<number, OpenStream>();
let lastStream = 0;
let send: Send | undefined;

function receive(message: FromHub): void {
  const listener = streams.get(message.stream)?.listener;
  if ('status' in message) listener?.status(message.status);
  else listener?.events(message.events);
}

const openAll = (toHub: Send) => streams.forEach(({ url, kind }, stream) => toHub({ what: 'open', stream, url, kind }));

/** A hub of this page alone. */
function ownHub(): Send {
  const hub = new Hub();
  const page: Page = { postMessage: receive };
  return (message) => hub.receive(page, message);
}

/** The hub of all pages; `failed` is called where there can be none. */
function sharedHub(failed: () => void): Send {
  const worker = new SharedWorker(new URL('./hub.worker.ts', import.meta.url), { type: 'module' });
  worker.onerror = () => {
    worker.port.onmessage = null;
    worker.port.postMessage({ what: 'bye' } satisfies ToHub);
    failed();
  };
  worker.port.onmessage = (message: MessageEvent<FromHub>) => receive(message.data);
  return (message) => worker.port.postMessage(message);
}

function start(): Send {
  const alone = () => {
    send = ownHub();
    openAll(send);
  };
  window.addEventListener('pagehide', () => send?.({ what: 'bye' }));
  // A page that the browser kept and shows again has the streams that it had, from their beginnings.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted && send !== undefined) openAll(send);
  });
  if (typeof SharedWorker === 'undefined') return ownHub();
  try {
    return sharedHub(alone);
  } catch {
    // Browsers may forbid it by a setting.
    return ownHub();
  }
}

/** The cookie is another one now: streams that are shared with other pages begin again with it. */
export function connectAnew(): void {
  send ??= start();
  send({ what: 'anew' });
}

/** Opens a stream; the result closes it. */
export function openStream(url: string, kind: StreamKind, listener: StreamListener): () => void {
  send ??= start();
  const stream = (lastStream += 1);
  streams.set(stream, { url, kind, listener });
  send({ what: 'open', stream, url, kind });
  return () => {
    streams.delete(stream);
    send?.({ what: 'close', stream });
  };
}
