// The runs of every DAG.
import { RunTable } from './RunTable';

export function RunsPage() {
  return (
    <div className="page">
      <header className="page__head">
        <h1>Runs</h1>
      </header>
      <RunTable dagId="~" />
    </div>
  );
}
