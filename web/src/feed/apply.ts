// Brings a digest of the feed into the query cache: patch what is known at once, read the rest again.
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { keys } from '../api/keys';
import type { DagRun, TaskInstance } from '../api/types';
import type { Digest, RunNews } from './digest';
import { patchRun, patchRuns, patchTaskInstances } from './patch';
import type { Refresher } from './refresher';

export function applyDigest(client: QueryClient, refresher: Refresher, digest: Digest): void {
  const stale = (key: QueryKey) =>
    refresher.request(JSON.stringify(key), () => client.invalidateQueries({ queryKey: key }, { cancelRefetch: true }));

  if (digest.dags.size > 0) stale(keys.dagLists);
  for (const dagId of digest.dags) {
    stale(keys.dag(dagId));
    stale(keys.runsOf(dagId));
  }
  if (digest.runsDeleted) {
    stale(['runs']);
    stale(['run']);
    stale(keys.inView);
  }
  if (digest.importErrors) {
    stale(keys.importErrors);
    stale(keys.dagLists);
  }
  if (digest.pools) stale(keys.pools);
  applyRuns(client, stale, digest.runs);
}

function applyRuns(client: QueryClient, stale: (key: QueryKey) => void, runs: Digest['runs']): void {
  let taskMoved = false;
  const dags = new Set<string>();
  for (const news of runs.values()) {
    if (news.state !== undefined) {
      dags.add(news.dagId);
      client.setQueryData<DagRun>(keys.run(news), (run) => run && patchRun(run, news));
      stale(keys.run(news));
    }
    if (news.tasks.size > 0) {
      taskMoved = true;
      applyTasks(client, stale, news);
    } else if (news.state !== undefined) {
      // What a run's tasks wait for may be the run itself (`max_active_runs`, a pause).
      stale(keys.taskInstances(news));
    }
  }
  for (const dagId of dags) {
    client.setQueriesData<DagRun[]>({ queryKey: [...keys.runsOf(dagId), 'recent'] }, (list) => list && patchRuns(list, runs));
    stale(keys.runsOf(dagId));
  }
  if (dags.size > 0) stale(keys.runsOf('~'));
  refreshInView(client, stale, new Set([...runs.values()].map(({ dagId }) => dagId)));
  if (taskMoved) stale(keys.pools);
}

function applyTasks(client: QueryClient, stale: (key: QueryKey) => void, news: RunNews): void {
  client.setQueryData<TaskInstance[]>(keys.taskInstances(news), (list) => list && patchTaskInstances(list, news.tasks));
  stale(keys.taskInstances(news));
  for (const key of news.tasks.keys()) {
    const [taskId = '', mapIndex = ''] = key.split(' ');
    stale(keys.task({ ...news, taskId, mapIndex: Number(mapIndex) }));
  }
}

/** Of the groups of DAGs that are in view, those with a DAG that changed. */
function refreshInView(client: QueryClient, stale: (key: QueryKey) => void, changed: ReadonlySet<string>): void {
  for (const { queryKey } of client.getQueryCache().findAll({ queryKey: keys.inView, type: 'active' })) {
    const dagIds = queryKey[1] as readonly string[];
    if (dagIds.some((dagId) => changed.has(dagId))) stale(queryKey);
  }
}
