// Whether what the page shows is the present.
import { useFeedStatus } from '../feed/FeedProvider';
import type { FeedStatus } from '../feed/connection';

const WORDS: Record<FeedStatus, readonly [string, string]> = {
  connecting: ['…', 'Connecting to the server'],
  live: ['Live', 'Changes are shown as they happen'],
  lost: ['Offline', 'The connection to the server is lost; it comes back by itself'],
};

export function FeedLight() {
  const status = useFeedStatus();
  const [word, meaning] = WORDS[status];
  return (
    <span className={`feed-light feed-light--${status}`} role="status" title={meaning}>
      {word}
    </span>
  );
}
