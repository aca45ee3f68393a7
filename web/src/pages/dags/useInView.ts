// What the rows in view show of runs, asked for in two requests for all of them when scrolling rests.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { dagStats } from '../../api/dags';
import { keys } from '../../api/keys';
import { recentRunsOf } from '../../api/recentRuns';
import type { DagStats, RecentRun } from '../../api/types';
import { useDebounced } from '../../components/useDebounced';

/** As many as Airflow shows. */
export const LAST_RUNS = 14;
const SETTLE_MS = 60;

export interface InView {
  stats: DagStats | undefined;
  /** Newest first; absent until they are read. */
  runs: readonly RecentRun[] | undefined;
}

export function useInView(dagIds: readonly string[]): (dagId: string) => InView {
  const settled = useDebounced(dagIds.join(' '), SETTLE_MS);
  const ids = settled === '' ? [] : settled.split(' ');
  const common = { enabled: ids.length > 0, placeholderData: keepPreviousData } as const;
  const stats = useQuery({ ...common, queryKey: keys.dagStats(ids), queryFn: ({ signal }) => dagStats(ids, signal) });
  const runs = useQuery({ ...common, queryKey: keys.recentRunsOf(ids), queryFn: ({ signal }) => recentRunsOf(ids, LAST_RUNS, signal) });
  const byDag = new Map(stats.data?.map((one) => [one.dag_id, one]));
  const known = new Set(runs.isPlaceholderData ? [] : ids);
  return (dagId) => ({ stats: byDag.get(dagId), runs: runs.data?.[dagId] ?? (runs.data && known.has(dagId) ? [] : undefined) });
}
