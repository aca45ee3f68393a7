// Runs, newest first, with filters in the address; pages are asked for as one goes on.
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import { keys } from '../../api/keys';
import { listRuns } from '../../api/runs';
import type { RunState } from '../../api/types';
import { Button } from '../../components/Button';
import { EmptyNotice, ErrorNotice, Loading } from '../../components/Notice';
import { Segments } from '../../components/Segments';
import { RUN_STATES, stateLabel } from '../../state/states';
import { RunTableRow } from './RunTableRow';

const PAGE = 50;

const STATES: { value: RunState | null; label: string; state?: string }[] = [
  { value: null, label: 'All' },
  ...RUN_STATES.map((state) => ({ value: state, label: stateLabel(state), state })),
];

/** `~` shows the runs of every DAG. */
export function RunTable({ dagId }: { dagId: string }) {
  const [params, setParams] = useSearchParams();
  const state = RUN_STATES.find((one) => one === params.get('state')) ?? null;
  const filter = { states: state === null ? [] : [state], runTypes: [] };
  const query = useInfiniteQuery({
    queryKey: keys.runList(dagId, filter),
    queryFn: ({ pageParam, signal }) => listRuns(dagId, filter, PAGE, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const read = pages.reduce((sum, page) => sum + page.dag_runs.length, 0);
      return last.dag_runs.length > 0 && read < last.total_entries ? read : undefined;
    },
    placeholderData: keepPreviousData,
  });
  const runs = query.data?.pages.flatMap((page) => page.dag_runs) ?? [];

  return (
    <div className="page">
      <div className="page__head">
        <div className="page__title">
          <Segments
            label="State"
            options={STATES}
            value={state}
            onChange={(next) => setParams(next === null ? {} : { state: next }, { replace: true })}
          />
          <span className="muted tabular" role="status">
            {query.data && `${query.data.pages.at(-1)?.total_entries ?? 0} runs`}
          </span>
        </div>
      </div>
      <div className="page__body">
        {query.isPending && <Loading what="runs" />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isSuccess && runs.length === 0 && <EmptyNotice title={state === null ? 'No runs yet' : `No run is ${stateLabel(state)}`} />}
        {runs.length > 0 && (
          <table className="table card">
            <thead>
              <tr>
                {dagId === '~' && <th scope="col">Dag</th>}
                <th scope="col">Run</th>
                <th scope="col">State</th>
                <th scope="col">Type</th>
                <th scope="col">Logical date</th>
                <th scope="col">Start</th>
                <th scope="col" className="number">
                  Duration
                </th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <RunTableRow key={`${run.dag_id} ${run.dag_run_id}`} run={run} showDag={dagId === '~'} />
              ))}
            </tbody>
          </table>
        )}
        {query.hasNextPage && (
          <p style={{ padding: 12, textAlign: 'center' }}>
            <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              Show older runs
            </Button>
          </p>
        )}
      </div>
    </div>
  );
}
