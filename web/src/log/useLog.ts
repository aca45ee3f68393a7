// The log of one try: followed while it grows, read once when it is complete.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { keys } from '../api/keys';
import { leadToLogin } from '../app/session';
import { useAwake } from '../app/useAwake';
import { logStreamUrl, readLog } from '../api/logs';
import type { LogLine, TaskRef } from '../api/types';
import { followLog, type LogStatus } from './stream';

export interface Log {
  lines: readonly LogLine[];
  /** Whether more may come. */
  following: boolean;
  /** How the connection is on which more would come. */
  status: LogStatus;
  /** Whether the log goes on behind these lines. */
  isCut: boolean;
  pending: boolean;
  error: Error | null;
  retry: () => void;
}

interface Followed {
  url: string;
  lines: LogLine[];
  ended: boolean;
}

/** `growing`: whether this try's attempt may still write. */
export function useLog(ref: TaskRef, tryNumber: number, growing: boolean): Log {
  const awake = useAwake();
  const url = logStreamUrl(ref, tryNumber);
  const [followed, setFollowed] = useState<Followed | null>(null);
  const [status, setStatus] = useState<LogStatus>('connecting');
  const current = followed?.url === url ? followed : null;

  useEffect(() => {
    if (!growing || !awake) return;
    return followLog(url, {
      restart: () => setFollowed({ url, lines: [], ended: false }),
      lines: (more) => setFollowed((old) => ({ url, ended: false, lines: old?.url === url ? [...old.lines, ...more] : more })),
      status: setStatus,
      end: () => setFollowed((old) => ({ url, lines: old?.url === url ? old.lines : [], ended: true })),
      refused: leadToLogin,
    });
  }, [url, growing, awake]);

  const whole = useQuery({
    queryKey: keys.log(ref, tryNumber),
    queryFn: ({ signal }) => readLog(ref, tryNumber, signal),
    enabled: !growing,
    // The last lines of an attempt may arrive together with its end.
    refetchOnMount: 'always',
    // Comparing a million lines with those before would take longer than drawing them.
    structuralSharing: false,
  });

  // The followed lines stay until the complete log has come, so that nothing flickers at the end.
  const complete = !growing && whole.isSuccess;
  return {
    lines: complete ? whole.data.lines : (current?.lines ?? []),
    following: growing && current?.ended !== true,
    status,
    isCut: complete && whole.data.isCut,
    pending: growing ? current === null : whole.isPending && current === null,
    error: growing ? null : whole.error,
    retry: () => void whole.refetch(),
  };
}
