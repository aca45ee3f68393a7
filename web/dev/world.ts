// The mock server's world: runs that move on by themselves, and listeners that hear of it.
// It knows just enough of scheduling to make the page move; it is no model of the real one.
import { DAGS, POOLS, type MockDag, type MockTask } from './fixtures';

export interface Ti {
  task: MockTask;
  state: string | null;
  try_number: number;
  start: number | null;
  end: number | null;
  since: number;
}
export interface Run {
  dag: MockDag;
  run_id: string;
  state: string;
  run_type: string;
  conf: unknown;
  note: string | null;
  created: number;
  start: number | null;
  end: number | null;
  tis: Map<string, Ti>;
}
type Change = Record<string, unknown>;

const TICK_MS = 100;
const DONE = new Set(['success', 'failed', 'upstream_failed', 'skipped']);

export class World {
  readonly runs: Run[] = [];
  private seq = 0;
  private changes: Change[] = [];
  private readonly listeners = new Set<(seq: number, changes: Change[]) => void>();

  constructor() {
    for (const [index, dag] of DAGS.entries()) this.history(dag, dag.dag_id === 'big_graph' ? 1 : 4 + (index % 12));
    for (const id of ['ml_training', 'sales_daily']) this.trigger(this.dag(id), null, {}, null, 'scheduled');
    setInterval(() => this.tick(), TICK_MS).unref();
  }

  dag(id: string): MockDag {
    const found = DAGS.find((dag) => dag.dag_id === id);
    if (found === undefined) throw new Error(`The DAG with ID: \`${id}\` was not found`);
    return found;
  }
  runsOf(id: string): Run[] {
    return this.runs.filter((run) => id === '~' || run.dag.dag_id === id).sort((a, b) => b.created - a.created);
  }
  run(dagId: string, runId: string): Run {
    const found = this.runs.find((run) => run.dag.dag_id === dagId && run.run_id === runId);
    if (found === undefined) throw new Error(`The DagRun with dag_id: \`${dagId}\` and run_id: \`${runId}\` was not found`);
    return found;
  }
  listen(listener: (seq: number, changes: Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  tell(change: Change): void {
    this.changes.push(change);
  }

  trigger(dag: MockDag, runId: string | null, conf: unknown, note: string | null, run_type = 'manual'): Run {
    const created = Date.now();
    const run: Run = {
      dag,
      run_id: runId ?? `${run_type}__${new Date(created).toISOString()}`,
      state: 'queued',
      run_type,
      conf,
      note,
      created,
      start: null,
      end: null,
      tis: new Map(dag.tasks.map((task) => [task.id, { task, state: null, try_number: 0, start: null, end: null, since: created }])),
    };
    this.runs.push(run);
    this.tellRun(run);
    return run;
  }

  setRun(run: Run, state: string): void {
    run.state = state;
    if (state === 'running') run.start ??= Date.now();
    if (DONE.has(state)) run.end = Date.now();
    this.tellRun(run);
  }
  setTi(run: Run, ti: Ti, state: string | null): void {
    ti.state = state;
    ti.since = Date.now();
    if (state === 'running') [ti.start, ti.end] = [Date.now(), null];
    if (state !== null && (DONE.has(state) || state === 'up_for_retry')) ti.end = Date.now();
    this.tell({
      what: 'task_instance',
      dag_id: run.dag.dag_id,
      run_id: run.run_id,
      task_id: ti.task.id,
      map_index: -1,
      state: state ?? 'no_status',
      try_number: ti.try_number,
    });
  }
  clear(run: Run, ids: readonly string[]): void {
    for (const id of ids) {
      const ti = run.tis.get(id);
      if (ti) this.setTi(run, ti, null);
    }
    run.end = null;
    this.setRun(run, 'queued');
  }

  private tellRun(run: Run): void {
    this.tell({ what: 'run', dag_id: run.dag.dag_id, run_id: run.run_id, state: run.state });
  }

  private history(dag: MockDag, count: number): void {
    for (let index = count; index > 0; index -= 1) {
      const created = Date.now() - index * 86_400_000;
      const failed = (index * 7 + dag.dag_id.length) % 9 === 0 || (dag.dag_id === 'nightly_backup' && index % 2 === 0);
      const run = this.trigger(dag, `scheduled__${new Date(created).toISOString()}`, {}, null, 'scheduled');
      let at = created;
      for (const [number, ti] of [...run.tis.values()].entries()) {
        const broken = failed && number === dag.tasks.length - 1;
        const took = ti.task.seconds * 1000 * (0.6 + ((index * 13 + number * 5) % 10) / 10);
        Object.assign(ti, { state: broken ? 'failed' : 'success', try_number: 1, start: at, end: at + took, since: at });
        at += took;
      }
      Object.assign(run, { created, start: created, end: at, state: failed ? 'failed' : 'success' });
    }
    this.changes = [];
  }

  private tick(): void {
    for (const run of this.runs) if (run.state === 'queued' || run.state === 'running') this.step(run);
    if (this.changes.length === 0) return;
    const [seq, changes] = [(this.seq += 1), this.changes];
    this.changes = [];
    this.listeners.forEach((listener) => listener(seq, changes));
  }

  private step(run: Run): void {
    const now = Date.now();
    if (run.state === 'queued' && !run.dag.is_paused && now - run.created > 300) this.setRun(run, 'running');
    if (run.state !== 'running') return;
    for (const ti of run.tis.values()) this.stepTask(run, ti, now);
    const states = [...run.tis.values()].map((ti) => ti.state);
    if (states.every((state) => state !== null && DONE.has(state))) {
      this.setRun(run, states.some((state) => state === 'failed' || state === 'upstream_failed') ? 'failed' : 'success');
    }
  }

  private stepTask(run: Run, ti: Ti, now: number): void {
    const age = now - ti.since;
    const slots = POOLS.find(({ name }) => name === ti.task.pool)?.slots ?? 0;
    const upstream = ti.task.upstream.map((id) => run.tis.get(id)?.state);
    if (ti.state === null && upstream.some((state) => state === 'failed' || state === 'upstream_failed'))
      this.setTi(run, ti, 'upstream_failed');
    else if (ti.state === null && upstream.every((state) => state === 'success')) {
      ti.try_number += 1;
      this.setTi(run, ti, 'scheduled');
    } else if (ti.state === 'scheduled' && slots > 0) this.setTi(run, ti, 'queued');
    else if (ti.state === 'queued' && age > 250) this.setTi(run, ti, 'running');
    else if (ti.state === 'running' && age > ti.task.seconds * 1000) {
      if (ti.try_number > ti.task.failures) this.setTi(run, ti, 'success');
      else this.setTi(run, ti, ti.try_number > ti.task.retries ? 'failed' : 'up_for_retry');
    } else if (ti.state === 'up_for_retry' && age > 4000) {
      ti.try_number += 1;
      this.setTi(run, ti, 'scheduled');
    }
  }
}

/** What a task instance waits for, in the words of the real server. */
export function waitingFor(run: Run, ti: Ti): { kind: string; text: string } | null {
  if (run.dag.is_paused && ti.state === null) return { kind: 'dag_paused', text: 'the DAG is paused' };
  if (ti.state === 'scheduled') return { kind: 'pool_full', text: `pool ${ti.task.pool} is full (0/0)` };
  if (ti.state === 'up_for_retry') return { kind: 'retry', text: `retry at ${new Date(ti.since + 4000).toISOString()}` };
  if (ti.state !== null || run.state !== 'running') return null;
  const pending = ti.task.upstream.filter((id) => run.tis.get(id)?.state !== 'success');
  return {
    kind: 'upstream',
    text: `waits for upstream ${pending.map((id) => `${id} (${run.tis.get(id)?.state ?? 'no_status'})`).join(', ')} [all_success]`,
  };
}

/** The log of a try as far as it is written. */
export function logLines(ti: Ti, tryNumber: number): { timestamp: string; event: string }[] {
  if (ti.start === null) return [];
  const until = tryNumber < ti.try_number ? ti.start : (ti.end ?? Date.now());
  const count = Math.min(5000, Math.max(3, Math.floor((until - ti.start) / 100)));
  return Array.from({ length: count }, (_, index) => {
    const timestamp = new Date((ti.start ?? 0) + index * 100).toISOString();
    if (index === 0) return { timestamp, event: `\u001b[1m==> ${ti.task.id}\u001b[0m try ${tryNumber}` };
    if (index % 23 === 11) return { timestamp, event: `WARNING slow answer from shard ${index % 7}` };
    if (index === count - 1 && ti.state === 'failed') return { timestamp, event: 'ERROR connection refused: db.internal:5432' };
    return {
      timestamp,
      event: `\u001b[32mINFO\u001b[0m loaded batch ${index} (${(index * 37) % 991} rows) from s3://bucket/${ti.task.id}/part-${index}.parquet`,
    };
  });
}
