// One DAG: its grid, graph, runs, tasks, source, details.
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { dagDetails, dagTasks } from '../../api/dags';
import { keys } from '../../api/keys';
import { links, type DagView } from '../../app/links';
import { useTitle } from '../../app/useTitle';
import { LinkTabs } from '../../components/LinkTabs';
import { ErrorNotice, Loading } from '../../components/Notice';
import { GridView } from '../../grid/GridView';
import { RunTable } from '../runs/RunTable';
import { DagCode } from './DagCode';
import { DagDetailsView } from './DagDetailsView';
import { DagGraph } from './DagGraph';
import { DagImportError } from './DagImportError';
import { DagHeader } from './DagHeader';
import { DagTasks } from './DagTasks';

const TABS: readonly { view: DagView; label: string }[] = [
  { view: 'grid', label: 'Grid' },
  { view: 'graph', label: 'Graph' },
  { view: 'runs', label: 'Runs' },
  { view: 'tasks', label: 'Tasks' },
  { view: 'code', label: 'Code' },
  { view: 'details', label: 'Details' },
];

export function DagPage() {
  const { dagId = '', view: viewParam } = useParams();
  useTitle(dagId);
  const view = TABS.find((tab) => tab.view === viewParam)?.view ?? 'grid';
  const dag = useQuery({ queryKey: keys.dagDetails(dagId), queryFn: ({ signal }) => dagDetails(dagId, signal) });
  const tasks = useQuery({ queryKey: keys.dagTasks(dagId), queryFn: ({ signal }) => dagTasks(dagId, signal) });

  const error = dag.error ?? tasks.error;
  if (error) return <ErrorNotice error={error} retry={() => void Promise.all([dag.refetch(), tasks.refetch()])} />;
  if (!dag.data || !tasks.data) return <Loading what="DAG" />;
  return (
    <div className="page">
      <header className="page__head page__head--tabs">
        <DagHeader dag={dag.data} />
        <LinkTabs
          label="Views of the DAG"
          tabs={TABS.map((tab) => ({ label: tab.label, to: links.dag(dagId, tab.view), current: tab.view === view }))}
        />
      </header>
      <DagImportError dag={dag.data} />
      <div className="dag__view">
        {view === 'grid' && <GridView dagId={dagId} tasks={tasks.data} />}
        {view === 'graph' && <DagGraph dagId={dagId} tasks={tasks.data} />}
        {view === 'runs' && <RunTable dagId={dagId} />}
        {view === 'tasks' && <DagTasks tasks={tasks.data} />}
        {view === 'code' && <DagCode dagId={dagId} />}
        {view === 'details' && <DagDetailsView dag={dag.data} />}
      </div>
    </div>
  );
}
