// The mock server's answers: a pattern per route. Unknown ones are 404, so a gap is seen at once.
import { DAGS, IMPORT_ERRORS, POOLS } from './fixtures';
import { dagDetailsShape, dagShape, runShape, taskCounts, taskShape, tiShape } from './shapes';
import { logLines, type World } from './world';

export interface Call {
  query: URLSearchParams;
  body: Record<string, unknown>;
}
type Handler = (params: string[], call: Call) => unknown;

const page = <T>(all: T[], { query }: Call): T[] => {
  const offset = Number(query.get('offset') ?? 0);
  return all.slice(offset, offset + Math.min(100, Number(query.get('limit') ?? 50)));
};

export function routes(world: World): [method: string, pattern: RegExp, Handler][] {
  const dags: Handler = (_, call) => {
    const { query } = call;
    const search = (query.get('dag_id_pattern') ?? '').toLowerCase();
    const tag = query.get('tags');
    const paused = query.get('paused');
    const last = query.get('last_dag_run_state');
    const found = DAGS.filter(
      (dag) =>
        dag.dag_id.includes(search) &&
        (tag === null || dag.tags.includes(tag)) &&
        (paused === null || String(dag.is_paused) === paused) &&
        (last === null || world.runsOf(dag.dag_id)[0]?.state === last),
    ).sort((a, b) => a.dag_id.localeCompare(b.dag_id));
    return { dags: page(found, call).map(dagShape), total_entries: found.length };
  };
  const stats: Handler = (_, { query }) => ({
    dags: query.getAll('dag_ids').map((dag_id) => ({
      dag_id,
      dag_display_name: dag_id,
      stats: ['queued', 'running', 'success', 'failed'].map((state) => ({
        state,
        count: world.runsOf(dag_id).filter((run) => run.state === state).length,
      })),
    })),
  });
  const recent: Handler = (_, { query }) => ({
    dags: Object.fromEntries(
      query.getAll('dag_ids').map((id) => [
        id,
        world
          .runsOf(id)
          .slice(0, Number(query.get('limit')))
          .map((run) => ({ ...runShape(run), task_instance_counts: taskCounts(run) })),
      ]),
    ),
  });
  const runs: Handler = ([dagId = ''], call) => {
    const states = call.query.getAll('state');
    const found = world.runsOf(dagId).filter((run) => states.length === 0 || states.includes(run.state));
    return { dag_runs: page(found, call).map(runShape), total_entries: found.length };
  };
  const tis: Handler = ([dagId = '', runId = ''], call) => {
    const run = world.run(dagId, runId);
    const all = [...run.tis.values()];
    return { task_instances: page(all, call).map((ti) => tiShape(run, ti)), total_entries: all.length };
  };
  const ti = (dagId = '', runId = '', taskId = '') => {
    const run = world.run(dagId, runId);
    const found = run.tis.get(taskId);
    if (found === undefined) throw new Error(`The Task Instance with task_id: \`${taskId}\` was not found`);
    return { run, ti: found };
  };
  const clear: Handler = ([dagId = ''], { body }) => {
    const run = world.run(dagId, String(body['dag_run_id']));
    const ids = new Set((body['task_ids'] as string[] | undefined) ?? []);
    for (let before = -1; body['include_downstream'] === true && before !== ids.size;) {
      before = ids.size;
      for (const task of run.dag.tasks) if (task.upstream.some((id) => ids.has(id))) ids.add(task.id);
    }
    const hit = [...run.tis.values()].filter(({ task }) => ids.has(task.id));
    if (body['dry_run'] === false) world.clear(run, [...ids]);
    return { task_instances: hit.map((one) => tiShape(run, one)), total_entries: hit.length };
  };
  const D = '/api/v2/dags/([^/]+)';
  const R = `${D}/dagRuns/([^/]+)`;
  const T = `${R}/taskInstances/([^/]+)`;
  const at = (path: string) => new RegExp(`^${path}$`);

  return [
    ['GET', at('/api/v2/me'), () => ({ username: 'admin', role: 'admin' })],
    ['GET', at('/api/v2/dags'), dags],
    ['GET', at('/api/v2/dagStats'), stats],
    ['GET', at('/api/v2/recentRuns'), recent],
    ['GET', at('/api/v2/importErrors'), () => ({ import_errors: IMPORT_ERRORS, total_entries: IMPORT_ERRORS.length })],
    [
      'GET',
      at('/api/v2/pools'),
      () => ({ pools: POOLS.map((pool) => ({ ...pool, ...usage(world, pool.name) })), total_entries: POOLS.length }),
    ],
    ['GET', at('/api/v2/dagSources/([^/]+)'), ([id = '']) => ({ content: world.dag(id).source, dag_id: id })],
    ['GET', at(`${D}/details`), ([id = '']) => dagDetailsShape(world.dag(id))],
    ['GET', at(`${D}/tasks`), ([id = '']) => ({ tasks: taskShape(world.dag(id)) })],
    [
      'PATCH',
      at(D),
      ([id = ''], { body }) => {
        const dag = world.dag(id);
        dag.is_paused = body['is_paused'] === true;
        world.tell({ what: 'dag', dag_id: id });
        return dagShape(dag);
      },
    ],
    ['GET', at(`${D}/dagRuns`), runs],
    [
      'POST',
      at(`${D}/dagRuns`),
      ([id = ''], { body }) =>
        runShape(
          world.trigger(world.dag(id), body['dag_run_id'] as string | null, body['conf'] ?? {}, (body['note'] ?? null) as string | null),
        ),
    ],
    ['GET', at(R), ([dagId = '', runId = '']) => runShape(world.run(dagId, runId))],
    [
      'PATCH',
      at(R),
      ([dagId = '', runId = ''], { body }) => {
        const run = world.run(dagId, runId);
        world.setRun(run, String(body['state']));
        return runShape(run);
      },
    ],
    [
      'POST',
      at(`${R}/clear`),
      ([dagId = '', runId = '']) => {
        const run = world.run(dagId, runId);
        world.clear(run, [...run.tis.keys()]);
        return runShape(run);
      },
    ],
    ['POST', at(`${D}/clearTaskInstances`), clear],
    ['GET', at(`${R}/taskInstances`), tis],
    [
      'PATCH',
      at(T),
      ([dagId, runId, taskId], { body }) => {
        const found = ti(dagId, runId, taskId);
        world.setTi(found.run, found.ti, String(body['new_state']));
        return tiShape(found.run, found.ti);
      },
    ],
    [
      'GET',
      at(`${T}/tries`),
      ([dagId, runId, taskId]) => {
        const found = ti(dagId, runId, taskId);
        const count = found.ti.try_number;
        return {
          task_instances: Array.from({ length: count }, (_, index) => ({
            ...tiShape(found.run, found.ti),
            try_number: index + 1,
            ...(index + 1 < count && { state: 'failed', exit_code: 1, reason: 'exit code 1' }),
          })),
        };
      },
    ],
    [
      'GET',
      at(`${T}/logs/(\\d+)`),
      ([dagId, runId, taskId, number]) => ({ content: logLines(ti(dagId, runId, taskId).ti, Number(number)), continuation_token: null }),
    ],
    [
      'GET',
      at(`${T}/xcomEntries`),
      ([dagId, runId, taskId]) => ({
        xcom_entries: ti(dagId, runId, taskId).ti.state === 'success' ? [{ key: 'return_value', timestamp: '2026-01-01T00:00:00Z' }] : [],
        total_entries: 1,
      }),
    ],
    ['GET', at(`${T}/xcomEntries/([^/]+)`), () => ({ key: 'return_value', value: { rows: 1234, files: ['a.parquet', 'b.parquet'] } })],
  ];
}

function usage(world: World, pool: string) {
  const count = (state: string) =>
    world.runs.flatMap((run) => [...run.tis.values()]).filter((ti) => ti.task.pool === pool && ti.state === state).length;
  const [running, queued] = [count('running'), count('queued')];
  return {
    include_deferred: false,
    running_slots: running,
    queued_slots: queued,
    scheduled_slots: count('scheduled'),
    deferred_slots: 0,
    occupied_slots: running + queued,
    open_slots: 0,
  };
}
