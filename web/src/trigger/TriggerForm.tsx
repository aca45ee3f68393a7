// The trigger form itself. After a trigger one lands on the new run.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { setPaused } from '../api/dags';
import { keys } from '../api/keys';
import { triggerRun } from '../api/runs';
import { links } from '../app/links';
import { Button } from '../components/Button';
import { AdvancedFields, type Advanced } from './AdvancedFields';
import { confOf, parseJson, toLocalInput, type Field } from './fields';
import { ParamField } from './ParamField';

interface Props {
  dagId: string;
  isPaused: boolean;
  fields: readonly Field[];
  onClose: () => void;
}

function readExtra(text: string): { extra: Record<string, unknown>; problem?: string } {
  if (text.trim() === '') return { extra: {} };
  const parsed = parseJson(text);
  if (!parsed.ok) return { extra: {}, problem: parsed.problem };
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) {
    return { extra: {}, problem: 'This must be a JSON object.' };
  }
  return { extra: parsed.value as Record<string, unknown> };
}

function focusFirstProblem(form: HTMLFormElement | null): void {
  const field = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  // A field in a closed part can't have the focus.
  field?.closest('details')?.setAttribute('open', '');
  field?.focus();
}

export function TriggerForm({ dagId, isPaused, fields, onClose }: Props) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [unpause, setUnpause] = useState(isPaused);
  const form = useRef<HTMLFormElement>(null);
  /** How often it was refused: each time the first field with a problem gets the focus. */
  const [refusals, setRefusals] = useState(0);
  const [advanced, setAdvanced] = useState<Advanced>(() => ({
    logicalDate: toLocalInput(new Date().toISOString()),
    runId: '',
    note: '',
    conf: '',
  }));

  const { extra, problem: extraProblem } = readExtra(advanced.conf);
  const { conf, problems } = confOf(fields, texts, extra);
  const valid = Object.keys(problems).length === 0 && extraProblem === undefined;

  const trigger = useMutation({
    mutationFn: async () => {
      if (isPaused && unpause) await setPaused(dagId, false);
      return triggerRun(dagId, {
        logical_date: advanced.logicalDate === '' ? null : new Date(advanced.logicalDate).toISOString(),
        dag_run_id: advanced.runId === '' ? null : advanced.runId,
        note: advanced.note === '' ? null : advanced.note,
        conf,
      });
    },
    onSuccess: async (run) => {
      client.setQueryData(keys.run({ dagId, runId: run.dag_run_id }), run);
      onClose();
      await navigate(links.run(dagId, run.dag_run_id));
    },
  });

  useEffect(() => {
    if (refusals > 0) focusFirstProblem(form.current);
  }, [refusals]);

  return (
    <form
      ref={form}
      noValidate
      className="dialog__form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!valid) setRefusals(refusals + 1);
        else if (!trigger.isPending) trigger.mutate();
      }}
    >
      <div className="dialog__body">
        {fields.length === 0 && <p className="muted">This DAG has no params.</p>}
        {fields.map((field) => (
          <ParamField
            key={field.name}
            field={field}
            text={texts[field.name] ?? field.initial}
            problem={refusals > 0 || texts[field.name] !== undefined ? problems[field.name] : undefined}
            onChange={(text) => setTexts((all) => ({ ...all, [field.name]: text }))}
          />
        ))}
        <AdvancedFields value={advanced} confProblem={extraProblem} onChange={setAdvanced} />
        {trigger.error && (
          <p className="dialog__error" role="alert">
            {trigger.error.message}
          </p>
        )}
      </div>
      <footer className="dialog__foot">
        {isPaused && (
          <label className="dialog__check">
            <input type="checkbox" checked={unpause} onChange={(event) => setUnpause(event.target.checked)} />
            Unpause {dagId}, or the run waits
          </label>
        )}
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" icon="play" disabled={trigger.isPending}>
          {trigger.isPending ? 'Triggering…' : 'Trigger'}
        </Button>
      </footer>
    </form>
  );
}
