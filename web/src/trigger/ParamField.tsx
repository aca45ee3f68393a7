// One param in the trigger form.
import { useId } from 'react';
import type { Field } from './fields';
import './ParamField.css';

interface Props {
  field: Field;
  text: string;
  problem: string | undefined;
  onChange: (text: string) => void;
}

const INPUT_TYPES: Readonly<Record<string, string>> = { date: 'date', datetime: 'datetime-local', time: 'time' };

export function ParamField({ field, text, problem, onChange }: Props) {
  const id = useId();
  const common = {
    id,
    className: 'field-input',
    'aria-required': field.required,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-help`,
  };
  return (
    <div className={`param-field param-field--${field.kind}`}>
      <label htmlFor={id}>
        {field.label}
        {field.required && <span aria-hidden="true"> *</span>}
      </label>
      <Control field={field} text={text} onChange={onChange} common={common} />
      <p id={`${id}-help`} className="param-field__help">
        {problem ? <strong role="alert">{problem}</strong> : field.help}
        {!problem && field.isInexact && ' The default has more digits than the page can show; left as it is, it is used exactly.'}
      </p>
    </div>
  );
}

interface ControlProps extends Omit<Props, 'problem'> {
  common: { id: string; className: string };
}

function Control({ field, text, onChange, common }: ControlProps) {
  switch (field.kind) {
    case 'boolean':
      return (
        <input {...common} className="" type="checkbox" checked={text === 'true'} onChange={(e) => onChange(String(e.target.checked))} />
      );
    case 'choice':
      return (
        <select {...common} value={text} onChange={(e) => onChange(e.target.value)}>
          {(!field.required || text === '') && <option value="">–</option>}
          {field.options.map((option) => (
            <option key={JSON.stringify(option)} value={JSON.stringify(option)}>
              {typeof option === 'string' ? option : JSON.stringify(option)}
            </option>
          ))}
        </select>
      );
    case 'multiline':
    case 'lines':
      return <textarea {...common} rows={4} value={text} onChange={(e) => onChange(e.target.value)} />;
    case 'json':
      return (
        <textarea
          {...common}
          className="field-input mono"
          rows={5}
          spellCheck={false}
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      );
    case 'integer':
    case 'number':
      return (
        <input
          {...common}
          inputMode="decimal"
          placeholder={field.isInexact ? 'the default' : undefined}
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      );
    case 'text':
    case 'date':
    case 'datetime':
    case 'time':
      return (
        <>
          <input
            {...common}
            type={INPUT_TYPES[field.kind] ?? 'text'}
            step={field.kind === 'datetime' || field.kind === 'time' ? 1 : undefined}
            list={field.options.length > 0 ? `${common.id}-list` : undefined}
            value={text}
            onChange={(e) => onChange(e.target.value)}
          />
          {field.options.length > 0 && (
            <datalist id={`${common.id}-list`}>
              {field.options.map((option) => (
                <option key={String(option)} value={String(option)} />
              ))}
            </datalist>
          )}
        </>
      );
  }
}
