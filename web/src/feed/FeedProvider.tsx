// Keeps the query cache true while the page is open, and tells whether the connection stands.
import { useQueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useState, type ReactNode } from 'react';
import { leadToLogin } from '../app/session';
import { useAwake } from '../app/useAwake';
import { LAYOUT_KEY } from '../graph/useLayout';
import { applyDigest } from './apply';
import { connectFeed, type FeedStatus } from './connection';
import { emptyDigest, fold } from './digest';
import { Refresher } from './refresher';

const FEED_URL = '/api/v2/feed';
/** Two readings of the same list are at least so far apart, in ms. */
const MIN_WAIT_MS = 100;

const FeedContext = createContext<FeedStatus>('connecting');

export const useFeedStatus = () => use(FeedContext);

/** Draws its children once the feed listens, or has failed to: what they ask for needs no second reading then. */
export function FeedProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const awake = useAwake();
  const [status, setStatus] = useState<FeedStatus>('connecting');
  const [started, setStarted] = useState(false);

  useEffect(() => {
    if (!awake) return;
    const refresher = new Refresher(MIN_WAIT_MS);
    return connectFeed(FEED_URL, {
      status: (next) => {
        setStatus(next);
        if (next !== 'connecting') setStarted(true);
      },
      opened: () => void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== LAYOUT_KEY }),
      refused: leadToLogin,
      changed: (changes) => applyDigest(client, refresher, changes.reduce(fold, emptyDigest())),
    });
  }, [client, awake]);

  return <FeedContext value={status}>{started && children}</FeedContext>;
}
