// One DAG in the list.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from 'react-router';
import { setPaused } from '../../api/dags';
import { keys } from '../../api/keys';
import type { Dag } from '../../api/types';
import { IconButton } from '../../components/Button';
import { RunBars } from '../../components/RunBars';
import { StateCounts } from '../../components/StateCounts';
import { Switch } from '../../components/Switch';
import { RelativeTime } from '../../components/Time';
import { useToast } from '../../components/Toasts';
import { links } from '../../app/links';
import { useForbidden } from '../../app/useMe';
import { sortCounts } from '../../state/states';
import { LAST_RUNS, type InView } from './useInView';

interface Props {
  dag: Dag;
  index: number;
  top: number;
  inView: InView;
  onTag: (tag: string) => void;
  onTrigger: (dag: Dag) => void;
}

export function DagRow({ dag, index, top, inView, onTag, onTrigger }: Props) {
  const client = useQueryClient();
  const toast = useToast();
  const forbidden = useForbidden();
  const pause = useMutation({
    mutationFn: (isPaused: boolean) => setPaused(dag.dag_id, isPaused),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.dagLists }),
    onError: toast.error,
  });
  // What was asked for shows at once; the list confirms it.
  const isPaused = pause.isPending ? pause.variables : dag.is_paused;
  const counts = inView.stats?.stats.flatMap(({ state, count }) => (count > 0 ? [[state, count] as const] : [])) ?? [];

  const newest = inView.runs?.[0];

  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-label={dag.dag_id}
      className={`dag-table__grid dag-row ${dag.is_paused ? 'dag-row--paused' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell">
        <Switch
          label={`${isPaused ? 'Unpause' : 'Pause'} ${dag.dag_id}`}
          on={!isPaused}
          forbidden={forbidden}
          onChange={(on) => pause.mutate(!on)}
        />
      </span>
      <span role="cell" className="dag-row__name">
        <span className="dag-row__title">
          <Link to={links.dag(dag.dag_id)}>{dag.dag_display_name}</Link>
          {dag.tags.map(({ name }) => (
            <button key={name} type="button" className="tag" onClick={() => onTag(name)} aria-label={`Filter by tag ${name}`}>
              {name}
            </button>
          ))}
          {dag.has_import_errors && (
            <Link className="dag-row__broken" to="/import_errors">
              import error
            </Link>
          )}
          {dag.is_stale && <span className="dag-row__broken">file removed</span>}
        </span>
        <span className="dag-row__about">{dag.description ?? dag.relative_fileloc ?? ''}</span>
      </span>
      <span role="cell" className="dag-row__schedule" title={dag.timetable_description ?? undefined}>
        {dag.timetable_summary ? <code>{dag.timetable_summary}</code> : <span className="muted">none</span>}
      </span>
      <span role="cell" className="muted">
        {isPaused ? 'paused' : dag.next_dagrun_run_after ? <RelativeTime iso={dag.next_dagrun_run_after} /> : '–'}
      </span>
      <span role="cell">
        {inView.runs &&
          (inView.runs.length > 0 ? (
            <RunBars dagId={dag.dag_id} runs={inView.runs} slots={LAST_RUNS} />
          ) : (
            <span className="muted">no runs yet</span>
          ))}
      </span>
      <span role="cell">
        <StateCounts noun="runs" counts={counts} href={(state) => `${links.dag(dag.dag_id, 'runs')}?state=${state}`} />
      </span>
      <span role="cell" className="dag-row__tasks">
        {newest && (
          <StateCounts
            noun="tasks"
            counts={sortCounts(newest.task_instance_counts)}
            href={() => links.run(dag.dag_id, newest.dag_run_id, 'tasks')}
          />
        )}
      </span>
      <span role="cell">
        <IconButton icon="play" label={`Trigger ${dag.dag_id}`} forbidden={forbidden} onClick={() => onTrigger(dag)} />
      </span>
    </div>
  );
}
