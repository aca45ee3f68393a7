import { describe, expect, it } from 'vitest';
import type { DagRun, TaskInstance } from '../api/types';
import type { FeedChange } from './change';
import { emptyDigest, fold, runKey } from './digest';
import { patchRuns, patchTaskInstances } from './patch';

const task = (task_id: string, state: (FeedChange & { what: 'task_instance' })['state'], try_number = 1): FeedChange => ({
  what: 'task_instance',
  dag_id: 'sales',
  run_id: 'r1',
  task_id,
  map_index: -1,
  state,
  try_number,
});
const digestOf = (...changes: FeedChange[]) => changes.reduce(fold, emptyDigest());

describe('fold', () => {
  it('keeps the last word about each thing', () => {
    const digest = digestOf(
      { what: 'run', dag_id: 'sales', run_id: 'r1', state: 'queued' },
      task('extract', 'queued'),
      task('extract', 'running'),
      task('load', 'no_status', 0),
      { what: 'run', dag_id: 'sales', run_id: 'r1', state: 'running' },
      { what: 'dag', dag_id: 'other' },
    );
    expect(digest).toEqual({
      dags: new Set(['other']),
      runs: new Map([
        [
          'sales r1',
          {
            dagId: 'sales',
            runId: 'r1',
            state: 'running',
            tasks: new Map([
              ['extract -1', { state: 'running', tryNumber: 1 }],
              ['load -1', { state: null, tryNumber: 0 }],
            ]),
          },
        ],
      ]),
      runsDeleted: false,
      importErrors: false,
      pools: false,
    });
  });

  it('knows a run by its tasks alone, without a state', () => {
    expect(digestOf(task('extract', 'success')).runs.get(runKey('sales', 'r1'))).not.toHaveProperty('state');
  });

  it('tells of pools, import errors and deleted runs', () => {
    expect(digestOf({ what: 'pools' }, { what: 'import_errors' }, { what: 'run_deleted', run: 7 })).toMatchObject({
      pools: true,
      importErrors: true,
      runsDeleted: true,
    });
  });
});

describe('patching', () => {
  const instance = (task_id: string, state: TaskInstance['state']) =>
    ({ task_id, map_index: -1, state, try_number: 1, waiting_for: { kind: 'pool_full', text: 'pool x is full' } }) as TaskInstance;
  const tasksOf = (...changes: FeedChange[]) => digestOf(...changes).runs.get(runKey('sales', 'r1'))?.tasks ?? new Map<string, never>();

  it('moves what was told and forgets its old reason, leaves the rest as it is', () => {
    const before = [instance('extract', 'scheduled'), instance('load', null)];
    const after = patchTaskInstances(before, tasksOf(task('extract', 'queued')));
    expect(after[0]).toMatchObject({ state: 'queued', waiting_for: null });
    expect(after[1]).toBe(before[1]);
  });

  it('gives the same list back if nothing is new', () => {
    const before = [instance('extract', 'queued')];
    expect(patchTaskInstances(before, tasksOf(task('extract', 'queued'), task('unknown', 'failed')))).toBe(before);
  });

  it('patches runs by DAG and run', () => {
    const before = [
      { dag_id: 'sales', dag_run_id: 'r1', state: 'running' } as DagRun,
      { dag_id: 'sales', dag_run_id: 'r2', state: 'queued' } as DagRun,
    ];
    const { runs } = digestOf({ what: 'run', dag_id: 'sales', run_id: 'r1', state: 'failed' });
    expect(patchRuns(before, runs).map((run) => run.state)).toEqual(['failed', 'queued']);
  });
});
