// How many are in which state, as small numbered marks; each may lead somewhere.
import { Link } from 'react-router';
import { stateLabel, type StateName } from '../state/states';
import './StateCounts.css';

interface Props {
  counts: readonly (readonly [StateName, number])[];
  /** What is counted, for the label: `runs`, `tasks`. */
  noun: string;
  href?: (state: StateName) => string;
}

export function StateCounts({ counts, noun, href }: Props) {
  return (
    <ul className="state-counts">
      {counts.map(([state, count]) => {
        const label = `${count} ${stateLabel(state)} ${noun}`;
        return (
          <li key={state} data-state={state}>
            {href ? (
              <Link className="state-counts__mark" to={href(state)} aria-label={label} title={label}>
                {count}
              </Link>
            ) : (
              <span className="state-counts__mark" role="img" aria-label={label} title={label}>
                {count}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
