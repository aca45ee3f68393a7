// Tasks by runs: what happened when, and where it broke. Live; rows out of view do not exist.
import { useQueries, useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { keys } from '../api/keys';
import { recentRuns } from '../api/runs';
import { taskInstances } from '../api/taskInstances';
import type { DagRun, Task } from '../api/types';
import { EmptyNotice, ErrorNotice, Loading } from '../components/Notice';
import { summarise } from '../graph/summary';
import { GridHead } from './GridHead';
import { GridRow } from './GridRow';
import './GridView.css';
import { topological } from './order';

const RUNS = 25;
const ROW_HEIGHT = 26;

interface Props {
  dagId: string;
  tasks: readonly Task[];
  /** The run that is looked at; it stands out. */
  runId?: string;
}

export function GridView({ dagId, tasks, runId }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const runs = useQuery({ queryKey: keys.recentRuns(dagId, RUNS), queryFn: ({ signal }) => recentRuns(dagId, RUNS, signal) });
  const columns = useMemo(() => (runs.data ?? []).toReversed(), [runs.data]);
  const states = useRunStates(dagId, columns);
  const order = useMemo(() => topological(tasks), [tasks]);
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });

  if (runs.isPending) return <Loading what="runs" />;
  if (runs.isError) return <ErrorNotice error={runs.error} retry={() => void runs.refetch()} />;
  if (columns.length === 0) return <EmptyNotice title="No runs yet">Trigger the DAG, or wait for its schedule.</EmptyNotice>;

  return (
    <div className="grid-view" ref={scroller}>
      <div className="grid-view__table" role="table" aria-label="Tasks by runs" aria-rowcount={order.length + 1}>
        <GridHead runs={columns} runId={runId} />
        <div role="rowgroup" className="grid-view__rows" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const taskId = order[index];
            return (
              taskId !== undefined && (
                <GridRow key={taskId} taskId={taskId} index={index} top={start} runs={columns} states={states} runId={runId} />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Per run, in the order of `runs`: the summary of each task. */
function useRunStates(dagId: string, runs: readonly DagRun[]) {
  return useQueries({
    queries: runs.map((run) => {
      const ref = { dagId, runId: run.dag_run_id };
      return {
        queryKey: keys.taskInstances(ref),
        queryFn: ({ signal }: { signal: AbortSignal }) => taskInstances(ref, signal),
        select: summarise,
      };
    }),
    combine: collect,
  });
}

const collect = (results: { data: ReturnType<typeof summarise> | undefined }[]) => results.map(({ data }) => data);
