// What a page and the hub of streams tell each other.
import type { SentEvent } from './parse';

/**
 * `connecting`: what comes next comes from the beginning. `refused`: the server does not know who asks (401);
 * nothing is tried again.
 */
export type StreamStatus = 'connecting' | 'live' | 'lost' | 'refused';

/** `shared`: all pages listen to one connection. `own`: a connection of its own, which takes turns if there are many. */
export type StreamKind = 'shared' | 'own';

export type ToHub =
  | {
      what: 'open';
      /** Chosen by the page, new for each stream. */
      stream: number;
      url: string;
      kind: StreamKind;
    }
  | { what: 'close'; stream: number }
  /** Somebody logged in or out. */
  | { what: 'anew' }
  /** The page goes away. */
  | { what: 'bye' };

export type FromHub = { stream: number; status: StreamStatus } | { stream: number; events: SentEvent[] };
