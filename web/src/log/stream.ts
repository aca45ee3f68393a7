// The live log as server-sent events. Lines are handed on once per frame, however fast they come.
import { toLine } from '../api/logs';
import type { LogLine } from '../api/types';
import { openStream } from '../streams/open';

/** `live`: lines come as they are written. */
export type LogStatus = 'connecting' | 'live' | 'lost';

interface Listener {
  /** It begins at the log's start: what came before is to be forgotten. */
  restart: () => void;
  lines: (lines: LogLine[]) => void;
  status: (status: LogStatus) => void;
  /** The log is complete: the server said so. */
  end: () => void;
  /** The session is over. */
  refused: () => void;
}

/** An event's data: a line as JSON, or just its text. */
export function parseEvent(data: string): LogLine[] {
  if (!/^[[{"]/.test(data)) return [{ event: data }];
  try {
    const value = JSON.parse(data) as LogLine | string | (LogLine | string)[];
    return Array.isArray(value) ? value.map(toLine) : [toLine(value)];
  } catch {
    return [{ event: data }];
  }
}

/** Starts it; the result ends it. */
export function followLog(url: string, listener: Listener, open = openStream): () => void {
  let pending: LogLine[] = [];
  let frame = 0;
  let fromStart = true;

  const flush = () => {
    frame = 0;
    const lines = pending;
    pending = [];
    if (lines.length > 0) listener.lines(lines);
  };
  const finish = () => {
    close();
    cancelAnimationFrame(frame);
    flush();
    listener.end();
  };

  const close = open(url, 'own', {
    status: (status) => {
      if (status === 'refused') {
        listener.refused();
        return;
      }
      if (status === 'connecting') fromStart = true;
      if (status === 'live' && fromStart) {
        fromStart = false;
        pending = [];
        listener.restart();
      }
      listener.status(status);
    },
    events: (events) => {
      for (const { name, data } of events) {
        if (name === 'end') {
          finish();
          return;
        }
        for (const line of parseEvent(data)) pending.push(line);
      }
      if (pending.length > 0) frame ||= requestAnimationFrame(flush);
    },
  });
  return () => {
    close();
    cancelAnimationFrame(frame);
  };
}
