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

/** The whole log, as far as it is written. Airflow marks its parts with a token to continue from. */
export async function readLog(ref: TaskRef, tryNumber: number, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let token: string | null = null;
  for (;;) {
    const answer: LogAnswer = await request<LogAnswer>(base(ref, tryNumber), {
      query: { map_index: ref.mapIndex, full_content: true, token },
      signal,
    });
    lines.push(...answer.content.map(toLine));
    if (answer.continuation_token === null || answer.continuation_token === token || answer.content.length === 0) return lines;
    token = answer.continuation_token;
  }
}

/** Where the live log comes from, as server-sent events. */
export const logStreamUrl = (ref: TaskRef, tryNumber: number) =>
  `${base(ref, tryNumber)}/stream${queryString({ map_index: ref.mapIndex })}`;
