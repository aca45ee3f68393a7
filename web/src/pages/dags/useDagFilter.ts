// The DAG list's filter lives in the address: it survives a reload and can be sent to a colleague.
import { useSearchParams } from 'react-router';
import type { DagFilter } from '../../api/dags';
import type { RunState } from '../../api/types';
import { RUN_STATES } from '../../state/states';

const asRunState = (text: string | null): RunState | null => RUN_STATES.find((state) => state === text) ?? null;

export function useDagFilter(): [DagFilter, (change: Partial<DagFilter>) => void] {
  const [params, setParams] = useSearchParams();
  const paused = params.get('paused');
  const filter: DagFilter = {
    search: params.get('search') ?? '',
    paused: paused === null ? null : paused === 'true',
    lastRunState: asRunState(params.get('state')),
    tag: params.get('tag'),
  };

  const change = (part: Partial<DagFilter>) => {
    const { search, paused: isPaused, lastRunState, tag } = { ...filter, ...part };
    const next = new URLSearchParams();
    if (search !== '') next.set('search', search);
    if (isPaused !== null) next.set('paused', String(isPaused));
    if (lastRunState !== null) next.set('state', lastRunState);
    if (tag !== null) next.set('tag', tag);
    setParams(next, { replace: true });
  };
  return [filter, change];
}
