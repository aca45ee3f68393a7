// The mock world in the API's shapes, as far as the page looks at them.
import type { MockDag } from './fixtures';
import { waitingFor, type Run, type Ti } from './world';

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
const span = (start: number | null, end: number | null) => (start === null || end === null ? null : (end - start) / 1000);

export const version = (dag: MockDag) => ({
  id: '00000000-0000-0000-0000-000000000001',
  version_number: 1,
  dag_id: dag.dag_id,
  bundle_name: 'dags',
  bundle_version: null,
  created_at: '2026-01-01T00:00:00Z',
  dag_display_name: dag.dag_id,
  bundle_url: null,
});

export const dagShape = (dag: MockDag) => ({
  dag_id: dag.dag_id,
  dag_display_name: dag.dag_id,
  is_paused: dag.is_paused,
  is_stale: false,
  relative_fileloc: `${dag.dag_id}.yaml`,
  fileloc: `${dag.dag_id}.yaml`,
  description: dag.description,
  timetable_summary: dag.schedule,
  timetable_description: dag.schedule === null ? 'Never, external triggers only' : `At ${dag.schedule}`,
  tags: dag.tags.map((name) => ({ name, dag_id: dag.dag_id })),
  max_active_tasks: 16,
  max_active_runs: 16,
  has_import_errors: false,
  next_dagrun_run_after: dag.schedule === null ? null : iso(Math.ceil(Date.now() / 3_600_000) * 3_600_000),
  owners: ['data'],
});

export const dagDetailsShape = (dag: MockDag) => ({
  ...dagShape(dag),
  catchup: false,
  dag_run_timeout: 'PT2H',
  doc_md: null,
  start_date: '2026-01-01T00:00:00Z',
  end_date: null,
  params: dag.params,
  timezone: 'UTC',
  last_parsed_time: iso(Date.now()),
  latest_dag_version: version(dag),
});

export const taskShape = (dag: MockDag) =>
  dag.tasks.map((task) => ({
    task_id: task.id,
    task_display_name: task.id,
    owner: 'data',
    trigger_rule: 'all_success',
    retries: task.retries,
    retry_delay: { __type: 'TimeDelta', days: 0, seconds: 4, microseconds: 0 },
    pool: task.pool,
    pool_slots: 1,
    priority_weight: 1,
    weight_rule: 'downstream',
    operator_name: task.operator,
    downstream_task_ids: dag.tasks.filter(({ upstream }) => upstream.includes(task.id)).map(({ id }) => id),
  }));

export const runShape = (run: Run) => ({
  dag_run_id: run.run_id,
  dag_id: run.dag.dag_id,
  dag_display_name: run.dag.dag_id,
  logical_date: iso(run.created),
  queued_at: iso(run.created),
  start_date: iso(run.start),
  end_date: iso(run.end),
  duration: span(run.start, run.end),
  data_interval_start: iso(run.created),
  data_interval_end: iso(run.created),
  run_after: iso(run.created),
  run_type: run.run_type,
  state: run.state,
  triggered_by: run.run_type === 'manual' ? 'ui' : 'timetable',
  triggering_user_name: run.run_type === 'manual' ? 'admin' : null,
  conf: run.conf,
  note: run.note,
  dag_versions: [version(run.dag)],
  waiting_for: run.state === 'queued' && run.dag.is_paused ? { kind: 'dag_paused', text: 'the DAG is paused' } : null,
  end_reason: null,
});

export const tiShape = (run: Run, ti: Ti) => ({
  id: `${run.run_id}/${ti.task.id}`,
  task_id: ti.task.id,
  dag_id: run.dag.dag_id,
  dag_run_id: run.run_id,
  map_index: -1,
  start_date: iso(ti.start),
  end_date: iso(ti.end),
  duration: span(ti.start, ti.end),
  state: ti.state,
  try_number: ti.try_number,
  max_tries: ti.task.retries,
  task_display_name: ti.task.id,
  hostname: 'node-1',
  pool: ti.task.pool,
  pool_slots: 1,
  priority_weight: 1,
  operator: ti.task.operator,
  operator_name: ti.task.operator,
  queued_when: iso(ti.start),
  scheduled_when: iso(ti.start),
  pid: ti.state === 'running' ? 4711 : null,
  executor: 'local',
  note: null,
  rendered_map_index: null,
  dag_version: version(run.dag),
  waiting_for: waitingFor(run, ti),
  reason: ti.state === 'failed' ? 'exit code 1' : null,
  exit_code: ti.state === 'success' ? 0 : ti.state === 'failed' ? 1 : null,
});

export function taskCounts(run: Run): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of run.tis.values()) counts[state ?? 'no_status'] = (counts[state ?? 'no_status'] ?? 0) + 1;
  return counts;
}
