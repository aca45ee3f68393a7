// A state in words with its colour: the colour alone never carries the meaning.
import { stateLabel, type StateName } from '../state/states';
import './StateBadge.css';

export function StateBadge({ state }: { state: StateName }) {
  return (
    <span className="state-badge" data-state={state}>
      <span className="state-badge__dot" />
      {stateLabel(state)}
    </span>
  );
}
