// One choice out of a few, all visible.
import './Segments.css';

interface Props<T> {
  label: string;
  options: readonly { value: T; label: string; state?: string }[];
  value: T;
  onChange: (value: T) => void;
}

export function Segments<T extends string | boolean | null>({ label, options, value, onChange }: Props<T>) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.label}
          type="button"
          aria-pressed={option.value === value}
          data-state={option.state}
          onClick={() => onChange(option.value)}
        >
          {option.state !== undefined && <span className="segments__dot" />}
          {option.label}
        </button>
      ))}
    </div>
  );
}
