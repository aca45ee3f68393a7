// The live log as server-sent events. Lines are handed on once per frame, however fast they come.
import { toLine } from '../api/logs';
import type { LogLine } from '../api/types';

interface Listener {
  /** A connection begins at the log's start: what came before is to be forgotten. */
  restart: () => void;
  lines: (lines: LogLine[]) => void;
  /** The log is complete. */
  end: () => void;
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
export function followLog(url: string, listener: Listener): () => void {
  const source = new EventSource(url);
  let pending: LogLine[] = [];
  let frame = 0;
  let resumable = false;

  const flush = () => {
    frame = 0;
    const lines = pending;
    pending = [];
    if (lines.length > 0) listener.lines(lines);
  };
  const finish = () => {
    source.close();
    cancelAnimationFrame(frame);
    flush();
    listener.end();
  };

  source.onopen = () => {
    if (!resumable) {
      pending = [];
      listener.restart();
    }
  };
  source.onmessage = (message: MessageEvent<string>) => {
    // With an id the server goes on after the last line it sent; without one it begins again.
    resumable = message.lastEventId !== '';
    for (const line of parseEvent(message.data)) pending.push(line);
    frame ||= requestAnimationFrame(flush);
  };
  source.addEventListener('end', finish);
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) finish();
  };
  return () => {
    source.close();
    cancelAnimationFrame(frame);
  };
}
