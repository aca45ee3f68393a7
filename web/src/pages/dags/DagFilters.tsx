// What narrows the list of DAGs, beside the search.
import type { DagFilter } from '../../api/dags';
import type { RunState } from '../../api/types';
import { Button } from '../../components/Button';
import { Segments } from '../../components/Segments';

const PAUSED = [
  { value: null, label: 'All' },
  { value: false, label: 'Active' },
  { value: true, label: 'Paused' },
];
const LAST_RUN: { value: RunState | null; label: string; state?: string }[] = [
  { value: null, label: 'Any last run' },
  { value: 'running', label: 'Running', state: 'running' },
  { value: 'failed', label: 'Failed', state: 'failed' },
  { value: 'success', label: 'Success', state: 'success' },
];

export function DagFilters({ filter, onChange }: { filter: DagFilter; onChange: (change: Partial<DagFilter>) => void }) {
  return (
    <>
      <Segments label="Paused or active" options={PAUSED} value={filter.paused} onChange={(paused) => onChange({ paused })} />
      <Segments
        label="State of the last run"
        options={LAST_RUN}
        value={filter.lastRunState}
        onChange={(lastRunState) => onChange({ lastRunState })}
      />
      {filter.tag !== null && (
        <Button kind="quiet" icon="close" aria-label={`Remove filter: tag ${filter.tag}`} onClick={() => onChange({ tag: null })}>
          tag: {filter.tag}
        </Button>
      )}
    </>
  );
}
