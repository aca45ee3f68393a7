// Chooses one of the tries, if there were several.
interface Props {
  /** The number of the newest try. */
  current: number;
  chosen: number;
  onPick: (tryNumber: number) => void;
}

export function TryPicker({ current, chosen, onPick }: Props) {
  if (current < 2) return null;
  return (
    <label className="picker">
      Try
      <select className="field-input" value={chosen} onChange={(event) => onPick(Number(event.target.value))}>
        {Array.from({ length: current }, (_, index) => current - index).map((number) => (
          <option key={number} value={number}>
            {number === current ? `${number} (current)` : number}
          </option>
        ))}
      </select>
    </label>
  );
}
