// How long something took, or has taken so far.
import { elapsed, formatDuration } from '../format/duration';
import { useNow } from '../format/useNow';

interface Props {
  start: string | null | undefined;
  end: string | null | undefined;
  /** Whether it goes on: only then the number grows. */
  live: boolean;
}

export function Duration({ start, end, live }: Props) {
  const now = useNow(live);
  const seconds = live || end ? elapsed(start, end, now) : null;
  if (seconds === null) return <span className="muted">–</span>;
  // While it goes on, whole seconds: a tenth that changes once a second says nothing.
  return <span className="tabular">{live && seconds < 10 ? `${Math.floor(seconds)} s` : formatDuration(seconds)}</span>;
}
