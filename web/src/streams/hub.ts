// Holds the event streams of all pages that are open in this browser. Browsers allow six connections to a
// server over HTTP/1.1, whatever the number of windows: the feed is one connection for all of them, logs
// take turns on three, and two are left for everything else that is asked.
import { Connection, type Sink } from './connection';
import type { FromHub, StreamKind, StreamStatus, ToHub } from './messages';
import { Turns, type Turn } from './turns';

const OWN_AT_ONCE = 3;
const TURN_MS = 1_000;

/** How a stream is connected: `fetch`, except in tests. */
export type Connect = (url: string, sink: Sink, lastId?: string) => Pick<Connection, 'stop'>;
/** The part of a MessagePort that the hub needs. */
export interface Page {
  postMessage: (message: FromHub) => void;
}
interface Shared {
  listeners: Set<Sink>;
  status: StreamStatus;
  connection: Pick<Connection, 'stop'> | undefined;
}

export class Hub {
  private readonly closers = new Map<Page, Map<number, () => void>>();
  private readonly shared = new Map<string, Shared>();
  private readonly turns = new Turns(OWN_AT_ONCE, TURN_MS);

  constructor(private readonly connect: Connect = (url, sink, lastId) => new Connection(url, sink, lastId)) {}

  receive(page: Page, message: ToHub): void {
    const streams = this.closers.get(page) ?? new Map<number, () => void>();
    this.closers.set(page, streams);
    switch (message.what) {
      case 'open':
        streams.set(message.stream, this.open(page, message.stream, message.url, message.kind));
        break;
      case 'close':
        streams.get(message.stream)?.();
        streams.delete(message.stream);
        break;
      case 'anew':
        // Somebody else is logged in, or nobody: what the others look at is theirs no more.
        this.shared.forEach((shared, url) => this.begin(url, shared));
        break;
      case 'bye':
        streams.forEach((close) => close());
        this.closers.delete(page);
        break;
    }
  }

  private open(page: Page, stream: number, url: string, kind: StreamKind): () => void {
    const sink: Sink = {
      status: (status) => page.postMessage({ stream, status }),
      events: (events) => page.postMessage({ stream, events }),
    };
    return kind === 'shared' ? this.share(url, sink) : this.own(url, sink);
  }

  private share(url: string, sink: Sink): () => void {
    const shared = this.shared.get(url) ?? { listeners: new Set(), status: 'connecting', connection: undefined };
    this.shared.set(url, shared);
    // What was refused may be asked for by somebody else now.
    if (shared.connection === undefined || shared.status === 'refused') this.begin(url, shared);
    shared.listeners.add(sink);
    sink.status(shared.status);
    return () => {
      shared.listeners.delete(sink);
      if (shared.listeners.size > 0) return;
      shared.connection?.stop();
      this.shared.delete(url);
    };
  }

  private begin(url: string, shared: Shared): void {
    shared.connection?.stop();
    shared.connection = this.connect(url, {
      status: (status) => {
        shared.status = status;
        shared.listeners.forEach((one) => one.status(status));
      },
      events: (events) => shared.listeners.forEach((one) => one.events(events)),
    });
  }

  private own(url: string, sink: Sink): () => void {
    let lastId = '';
    let begun = false;
    let connection: Pick<Connection, 'stop'> | undefined;
    // Between two turns a stream counts as live: what is new comes with the next one. So `connecting` is told
    // only of one that comes from its beginning.
    const status = (next: StreamStatus) => {
      if (begun && next === 'connecting') return;
      begun ||= next === 'live';
      sink.status(next);
    };
    const turn: Turn = {
      start: () => {
        connection = this.connect(url, { status, events: sink.events }, lastId);
      },
      stop: () => {
        lastId = connection?.stop() ?? lastId;
      },
    };
    this.turns.add(turn);
    return () => this.turns.remove(turn);
  }
}
