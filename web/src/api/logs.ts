// Logs: what is there as one answer, and what comes as a stream.
import { path, queryString, request, requestFile } from './client';
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

/** The log as far as it is written, or the beginning of a very long one. It comes in pieces, each with a token for the next. */
export async function readLog(ref: TaskRef, tryNumber: number, signal: AbortSignal, most = MOST): Promise<LogContent> {
  const lines: LogLine[] = [];
  let token: string | null = null;
  for (let pieces = 0; ; pieces += 1) {
    if (pieces >= most.pieces || lines.length >= most.lines) return { lines, isCut: true };
    const answer: LogAnswer = await request<LogAnswer>(base(ref, tryNumber), {
      query: { map_index: ref.mapIndex, full_content: true, token },
      signal,
    });
    // One by one: a piece may have more lines than a call may have arguments.
    for (const raw of answer.content) lines.push(toLine(raw));
    if (answer.continuation_token === null || answer.continuation_token === token || answer.content.length === 0) {
      return { lines, isCut: false };
    }
    token = answer.continuation_token;
  }
}

/** The whole log as a text file, however long it is: the browser keeps it outside of the page's memory. */
export const downloadLog = (ref: TaskRef, tryNumber: number) =>
  requestFile(base(ref, tryNumber), { query: { map_index: ref.mapIndex }, accept: 'text/plain' });

/** Where the live log comes from, as server-sent events. */
export const logStreamUrl = (ref: TaskRef, tryNumber: number) =>
  `${base(ref, tryNumber)}/stream${queryString({ map_index: ref.mapIndex })}`;
