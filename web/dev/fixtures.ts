// The invented DAGs of the mock server. Development only; nothing of this folder is shipped.

export interface MockTask {
  id: string;
  upstream: string[];
  operator: string;
  /** How long it runs, in s. */
  seconds: number;
  pool: string;
  /** Its first tries fail. */
  failures: number;
  retries: number;
}

export interface MockDag {
  dag_id: string;
  description: string | null;
  schedule: string | null;
  tags: string[];
  is_paused: boolean;
  params: Record<string, { value: unknown; description: string | null; schema: Record<string, unknown> }>;
  tasks: MockTask[];
  source: string;
}

const task = (id: string, upstream: string[] = [], rest: Partial<MockTask> = {}): MockTask => ({
  id,
  upstream,
  operator: 'BashOperator',
  seconds: 1.5,
  pool: 'default_pool',
  failures: 0,
  retries: 0,
  ...rest,
});

const dag = (dag_id: string, tasks: MockTask[], rest: Partial<MockDag> = {}): MockDag => ({
  dag_id,
  description: null,
  schedule: '0 6 * * *',
  tags: [],
  is_paused: false,
  params: {},
  source: `dag_id: ${dag_id}\nschedule: ${rest.schedule ?? '"0 6 * * *"'}\ntasks:\n${tasks
    .map(
      (one) => `  ${one.id}:\n    bash: ./${one.id}.sh\n${one.upstream.length > 0 ? `    upstream: [${one.upstream.join(', ')}]\n` : ''}`,
    )
    .join('')}`,
  tasks,
  ...rest,
});

const PARAMS: MockDag['params'] = {
  day: { value: '2026-01-01', description: 'Day to load', schema: { type: 'string', format: 'date' } },
  region: { value: 'eu', description: 'Where the sales come from', schema: { type: 'string', enum: ['eu', 'us', 'apac'] } },
  rows: { value: 1000, description: 'At most so many rows', schema: { type: 'integer', minimum: 1, maximum: 100000 } },
  full: { value: false, description: 'Load everything again', schema: { type: 'boolean' } },
  tables: { value: ['orders', 'items'], description: 'One per line', schema: { type: 'array', items: { type: 'string' } } },
  options: { value: { dry: true }, description: null, schema: { type: 'object' } },
};

function layered(layers: number, width: number): MockTask[] {
  return Array.from({ length: layers * width }, (_, index) => {
    const layer = Math.floor(index / width);
    const at = index % width;
    const upstream = layer === 0 ? [] : [`step_${layer - 1}_${at}`, `step_${layer - 1}_${(at * 7 + layer) % width}`];
    return task(`step_${layer}_${at}`, [...new Set(upstream)], { seconds: 0.4 });
  });
}

export const DAGS: MockDag[] = [
  dag(
    'sales_daily',
    [
      task('extract', [], { seconds: 4 }),
      task('clean', ['extract'], { seconds: 3, operator: 'CmdOperator' }),
      task('audit', ['extract'], { seconds: 2, operator: 'PythonOperator' }),
      task('load', ['clean', 'audit'], { seconds: 3, pool: 'warehouse', failures: 1, retries: 2 }),
      task('report', ['load'], { operator: 'PythonOperator' }),
      task('notify', ['report'], { operator: 'HttpOperator', seconds: 0.5 }),
    ],
    { description: 'Loads the sales of a day into the warehouse', tags: ['sales', 'critical'], params: PARAMS },
  ),
  dag(
    'ml_training',
    [
      task('prepare'),
      task('train', ['prepare'], { pool: 'gpu', seconds: 600 }),
      task('evaluate', ['train']),
      task('publish', ['evaluate']),
    ],
    {
      description: 'Trains the ranking model; waits for a GPU',
      tags: ['ml'],
      schedule: '@daily',
    },
  ),
  dag('nightly_backup', [task('dump', [], { failures: 9, retries: 1 }), task('upload', ['dump']), task('verify', ['upload'])], {
    tags: ['ops'],
    schedule: '30 2 * * *',
  }),
  dag('big_graph', layered(40, 25), { description: 'A thousand tasks', schedule: null, tags: ['test'] }),
  dag('paused_dag', [task('only')], { is_paused: true, description: 'Waits for its owner' }),
  ...Array.from({ length: 150 }, (_, index) =>
    dag(`team_${'abcde'.charAt(index % 5)}_job_${String(index).padStart(3, '0')}`, [task('first'), task('second', ['first'])], {
      schedule: ['*/5 * * * *', '@hourly', '0 4 * * mon', null][index % 4] ?? null,
      tags: [`team-${'abcde'.charAt(index % 5)}`],
    }),
  ),
];

export const POOLS = [
  { name: 'default_pool', slots: 128, description: 'Default pool' },
  { name: 'gpu', slots: 0, description: 'The GPUs; none are free today' },
  { name: 'warehouse', slots: 2, description: 'Connections to the warehouse' },
];

export const IMPORT_ERRORS = [
  {
    import_error_id: 1,
    filename: 'broken.yaml',
    bundle_name: 'dags',
    timestamp: new Date(Date.now() - 90_000).toISOString(),
    stack_trace:
      'error: unknown key `upstraem`\n  --> broken.yaml:7:5\n   |\n 7 |     upstraem: [extract]\n   |     ^^^^^^^^ not a key of a task\n   |\n   = help: did you mean `upstream`?\n',
    diagnostics: [{ message: 'unknown key `upstraem`', help: 'did you mean `upstream`?', line: 7, column: 5, severity: 'error' }],
  },
];
