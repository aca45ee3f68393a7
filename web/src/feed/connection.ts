// The page's one connection to the feed. It hands on changes in bundles and comes back by itself after
// a loss.
import type { FeedChange } from './change';

export type FeedStatus = 'connecting' | 'live' | 'lost';

interface Listener {
  /** The connection stands (again): changes may have been missed until now. */
  opened: () => void;
  changed: (changes: FeedChange[]) => void;
  status: (status: FeedStatus) => void;
}

/** How long changes are collected before they are handed on, in ms. */
const BUNDLE_MS = 100;
const RETRY_MS = { first: 500, longest: 15_000 };

/** Starts it; the result ends it. The server listens to its feed before it answers, so what is asked for after `opened` is never too old. */
export function connectFeed(url: string, listener: Listener): () => void {
  let source: EventSource | undefined;
  let pending: FeedChange[] = [];
  let bundle: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let delay = RETRY_MS.first;

  const flush = () => {
    bundle = undefined;
    const changes = pending;
    pending = [];
    listener.changed(changes);
  };

  const disconnect = () => {
    source?.close();
    source = undefined;
    clearTimeout(retry);
  };

  const connect = () => {
    disconnect();
    listener.status('connecting');
    const opened = new EventSource(url);
    source = opened;
    opened.onopen = () => {
      delay = RETRY_MS.first;
      listener.status('live');
      listener.opened();
    };
    opened.onmessage = (message: MessageEvent<string>) => {
      pending.push(...(JSON.parse(message.data) as FeedChange[]));
      bundle ??= setTimeout(flush, BUNDLE_MS);
    };
    // The server can't tell what was missed, so everything was.
    opened.addEventListener('reset', listener.opened);
    opened.onerror = () => {
      listener.status('lost');
      // The browser tries again by itself, except after an answer that is no event stream.
      if (opened.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(connect, delay);
      delay = Math.min(delay * 2, RETRY_MS.longest);
    };
  };

  connect();
  return () => {
    clearTimeout(bundle);
    disconnect();
  };
}
