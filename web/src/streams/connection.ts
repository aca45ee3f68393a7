// One event stream that is kept up: after a loss it goes on where it was. It is read with `fetch`, since an
// EventSource says neither why it was refused (a session that is over is no lost connection) nor can a new
// one go on where another stopped.
import { REQUESTED_WITH } from '../api/client';
import type { StreamStatus } from './messages';
import { EventParser, type SentEvent } from './parse';

export interface Sink {
  status: (status: StreamStatus) => void;
  events: (events: SentEvent[]) => void;
}

const RETRY_MS = { first: 500, longest: 15_000 };
const UNAUTHORIZED = 401;

export class Connection {
  private readonly parser: EventParser;
  private readonly stopped = new AbortController();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private delay = RETRY_MS.first;

  /** Starts at once; `lastId` is where to go on. */
  constructor(
    private readonly url: string,
    private readonly sink: Sink,
    lastId = '',
  ) {
    this.parser = new EventParser(lastId);
    void this.connect();
  }

  /** Ends it for good and says where another may go on. */
  stop(): string {
    clearTimeout(this.retry);
    this.stopped.abort();
    return this.parser.lastId;
  }

  private async connect(): Promise<void> {
    const { signal } = this.stopped;
    this.sink.status('connecting');
    let refused = false;
    try {
      refused = await this.read(signal);
    } catch {
      // The server is away, or the connection broke: it is tried again.
    }
    if (signal.aborted) return;
    this.sink.status(refused ? 'refused' : 'lost');
    if (refused) return;
    this.parser.reset();
    this.retry = setTimeout(() => void this.connect(), this.delay);
    this.delay = Math.min(this.delay * 2, RETRY_MS.longest);
  }

  /** Reads until the server ends it; whether the server does not know who asks. */
  private async read(signal: AbortSignal): Promise<boolean> {
    const { lastId } = this.parser;
    const headers = { Accept: 'text/event-stream', ...REQUESTED_WITH, ...(lastId !== '' && { 'Last-Event-ID': lastId }) };
    const response = await fetch(this.url, { headers, credentials: 'same-origin', cache: 'no-store', signal });
    if (response.status === UNAUTHORIZED) return true;
    if (!response.ok || response.body === null) return false;
    this.delay = RETRY_MS.first;
    this.sink.status('live');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return false;
      const events = this.parser.push(value);
      if (events.length > 0) this.sink.events(events);
    }
  }
}
