// The runs of every DAG.
import { useTitle } from '../../app/useTitle';
import { RunTable } from './RunTable';

export function RunsPage() {
  useTitle('Runs');
  return (
    <div className="page">
      <header className="page__head">
        <h1>Runs</h1>
      </header>
      <RunTable dagId="~" />
    </div>
  );
}
