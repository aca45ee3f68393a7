// The first page: every DAG, what its last runs did, how many runs are in which state.
import { useEffect, useState } from 'react';
import type { Dag } from '../../api/types';
import { useTitle } from '../../app/useTitle';
import { ErrorNotice, Loading } from '../../components/Notice';
import { SearchBox } from '../../components/SearchBox';
import { useDebounced } from '../../components/useDebounced';
import { TriggerDialog } from '../../trigger/TriggerDialog';
import { DagFilters } from './DagFilters';
import { DagTable } from './DagTable';
import { NoDags } from './NoDags';
import { useDagFilter } from './useDagFilter';
import { useDagList } from './useDagList';

const TYPING_MS = 150;

export function DagListPage() {
  useTitle('Dags');
  const [filter, setFilter] = useDagFilter();
  const [typed, setTyped] = useState(filter.search);
  const settled = useDebounced(typed, TYPING_MS);
  const [triggering, setTriggering] = useState<Dag | null>(null);
  const list = useDagList(filter);

  useEffect(() => {
    if (settled !== filter.search) setFilter({ search: settled });
    // What was typed decides; a change of the filter alone must not write the address again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [settled]);

  return (
    <div className="page">
      <header className="page__head">
        <div className="page__title">
          <h1>Dags</h1>
          <span className="muted tabular" role="status">
            {list.isSuccess ? `${list.total} ${list.total === 1 ? 'DAG' : 'DAGs'}` : ''}
          </span>
        </div>
        <div className="page__title">
          <SearchBox primary label="Search DAGs" value={typed} onChange={setTyped} />
          <DagFilters filter={filter} onChange={setFilter} />
        </div>
      </header>
      {list.isPending && <Loading what="DAGs" />}
      {list.isError && <ErrorNotice error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && list.dags.length === 0 && <NoDags filter={filter} />}
      {list.dags.length > 0 && (
        <DagTable
          dags={list.dags}
          onEnd={() => {
            if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
          }}
          onTag={(tag) => setFilter({ tag })}
          onTrigger={setTriggering}
        />
      )}
      {triggering && <TriggerDialog dagId={triggering.dag_id} onClose={() => setTriggering(null)} />}
    </div>
  );
}
