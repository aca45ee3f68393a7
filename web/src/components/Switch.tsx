// An on-off switch.
import { forbid } from './forbid';
import './Switch.css';

interface Props {
  label: string;
  on: boolean;
  /** Why it can't be switched. */
  forbidden?: string | undefined;
  onChange: (on: boolean) => void;
}

export function Switch({ label, on, forbidden, onChange }: Props) {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={on}
      aria-label={label}
      title={label}
      onClick={() => onChange(!on)}
      {...forbid(forbidden)}
    >
      <span className="switch__knob" />
    </button>
  );
}
