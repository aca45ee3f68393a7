// The feed as this page hears it: changes in bundles, and whether the connection stands.
import { openStream } from '../streams/open';
import type { FeedChange } from './change';

export type FeedStatus = 'connecting' | 'live' | 'lost';

interface Listener {
  /** The connection stands (again): changes may have been missed until now. */
  opened: () => void;
  changed: (changes: FeedChange[]) => void;
  status: (status: FeedStatus) => void;
  /** The session is over. */
  refused: () => void;
}

/** How long changes are collected before they are handed on, in ms. */
const BUNDLE_MS = 100;

/** Starts it; the result ends it. The server listens to its feed before it answers, so what is asked for after `opened` is never too old. */
export function connectFeed(url: string, listener: Listener, open = openStream): () => void {
  let pending: FeedChange[] = [];
  let bundle: ReturnType<typeof setTimeout> | undefined;

  const flush = () => {
    bundle = undefined;
    const changes = pending;
    pending = [];
    listener.changed(changes);
  };

  const close = open(url, 'shared', {
    status: (status) => {
      if (status === 'refused') listener.refused();
      else listener.status(status);
      if (status === 'live') listener.opened();
    },
    events: (events) => {
      for (const { name, data } of events) {
        // The server can't tell what was missed, so everything was.
        if (name === 'reset') listener.opened();
        // One by one: a commit may have more changes than a call may have arguments.
        else for (const change of JSON.parse(data) as FeedChange[]) pending.push(change);
      }
      if (pending.length > 0) bundle ??= setTimeout(flush, BUNDLE_MS);
    },
  });
  return () => {
    clearTimeout(bundle);
    close();
  };
}
