// Why something does not run. Every wait on the page is explained by this one component.
import type { WaitingFor } from '../api/types';
import { Icon } from './Icon';
import './Reason.css';

export function Reason({ waitingFor }: { waitingFor: WaitingFor | null | undefined }) {
  if (!waitingFor) return null;
  return (
    <span className="reason" title={waitingFor.text}>
      <Icon name="clock" size={13} />
      <span className="reason__text">{waitingFor.text}</span>
    </span>
  );
}
