// Logs: what is there as one answer, and what comes as a stream.
import { path, queryString, request } from './client';
import type { LogLine, TaskRef } from './types';

const base = (ref: TaskRef, tryNumber: number) =>
  path`/api/v2/dags/${ref.dagId}/dagRuns/${ref.runId}/taskInstances/${ref.taskId}/logs/${tryNumber}`;

interface LogAnswer {
  content: (LogLine | string)[];
  continuation_token: string | null;
}

/** A line as the API gives it: structured, or just text. */
export const toLine = (raw: LogLine | string): LogLine => (typeof raw === 'string' ? { event: raw } : raw);

/** What of a log is held at once. Browsers draw nothing as high as two million lines. */
const MOST = { lines: 1_000_000, pieces: 8 };

export interface LogContent {
  lines: LogLine[];
  /** Whether the log goes on behind these lines. */
  isCut: boolean;
}

/** A log in pieces of at most 16 MiB, as far as it is written. Each comes with a token for the next. */
async function* pieces(ref: TaskRef, tryNumber: number, signal?: AbortSignal): AsyncGenerator<LogLine[]> {
  let token: string | null = null;
  for (;;) {
    const answer: LogAnswer = await request<LogAnswer>(base(ref, tryNumber), {
      query: { map_index: ref.mapIndex, full_content: true, token },
      signal,
    });
    yield answer.content.map(toLine);
    if (answer.continuation_token === null || answer.continuation_token === token || answer.content.length === 0) return;
    token = answer.continuation_token;
  }
}

/** The log as far as it is written, or the beginning of a very long one. */
export async function readLog(ref: TaskRef, tryNumber: number, signal: AbortSignal, most = MOST): Promise<LogContent> {
  const lines: LogLine[] = [];
  let read = 0;
  for await (const piece of pieces(ref, tryNumber, signal)) {
    if (read >= most.pieces || lines.length >= most.lines) return { lines, isCut: true };
    // One by one: a piece may have more lines than a call may have arguments.
    for (const line of piece) lines.push(line);
    read += 1;
  }
  return { lines, isCut: false };
}

/** The whole log as a text file, however long it is: the browser keeps the parts of a file outside of the page's memory. */
export async function downloadLog(ref: TaskRef, tryNumber: number): Promise<Blob> {
  const parts: Blob[] = [];
  for await (const piece of pieces(ref, tryNumber)) {
    parts.push(new Blob([piece.map(({ timestamp, event }) => `${timestamp ? `${timestamp} ` : ''}${event}\n`).join('')]));
  }
  return new Blob(parts, { type: 'text/plain' });
}

/** Where the live log comes from, as server-sent events. */
export const logStreamUrl = (ref: TaskRef, tryNumber: number) =>
  `${base(ref, tryNumber)}/stream${queryString({ map_index: ref.mapIndex })}`;
