// An empty list says why it is empty.
import type { DagFilter } from '../../api/dags';
import { EmptyNotice } from '../../components/Notice';

export function NoDags({ filter }: { filter: DagFilter }) {
  const filtered = filter.search !== '' || filter.paused !== null || filter.lastRunState !== null || filter.tag !== null;
  return filtered ? (
    <EmptyNotice title="No DAG matches">Change the search or the filters above.</EmptyNotice>
  ) : (
    <EmptyNotice title="No DAGs yet">
      Put a DAG file into the dags folder: it appears here within a second. If it has a mistake, Import errors says which.
    </EmptyNotice>
  );
}
