// What a run may be given besides its params.
import { useId } from 'react';
import './AdvancedFields.css';

export interface Advanced {
  /** Local time, as the input has it; empty for none. */
  logicalDate: string;
  runId: string;
  note: string;
  /** JSON; added to the params. */
  conf: string;
}

interface Props {
  value: Advanced;
  confProblem: string | undefined;
  onChange: (value: Advanced) => void;
}

export function AdvancedFields({ value, confProblem, onChange }: Props) {
  const id = useId();
  const set = (part: Partial<Advanced>) => onChange({ ...value, ...part });
  return (
    <details className="advanced">
      <summary>Advanced options</summary>
      <div className="advanced__fields">
        <label>
          Logical date
          <input
            className="field-input"
            type="datetime-local"
            step={1}
            value={value.logicalDate}
            onChange={(event) => set({ logicalDate: event.target.value })}
          />
        </label>
        <label>
          Run id
          <input
            className="field-input"
            placeholder="made from the date"
            value={value.runId}
            onChange={(event) => set({ runId: event.target.value })}
          />
        </label>
        <label>
          Note
          <input className="field-input" value={value.note} onChange={(event) => set({ note: event.target.value })} />
        </label>
        <label>
          More configuration, as JSON
          <textarea
            className="field-input mono"
            rows={3}
            spellCheck={false}
            placeholder="{}"
            aria-invalid={confProblem !== undefined}
            aria-describedby={`${id}-conf`}
            value={value.conf}
            onChange={(event) => set({ conf: event.target.value })}
          />
        </label>
        <p id={`${id}-conf`} className="dialog__error">
          {confProblem}
        </p>
      </div>
    </details>
  );
}
