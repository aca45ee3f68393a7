// Several things that may each be chosen.
import './Checks.css';

interface Props<K extends string> {
  choices: Readonly<Record<K, string>>;
  value: Readonly<Record<K, boolean>>;
  onChange: (value: Record<K, boolean>) => void;
}

export function Checks<K extends string>({ choices, value, onChange }: Props<K>) {
  return (
    <ul className="checks">
      {(Object.keys(choices) as K[]).map((name) => (
        <li key={name}>
          <label>
            <input type="checkbox" checked={value[name]} onChange={(event) => onChange({ ...value, [name]: event.target.checked })} />
            {choices[name]}
          </label>
        </li>
      ))}
    </ul>
  );
}
