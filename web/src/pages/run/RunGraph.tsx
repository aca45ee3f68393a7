// The graph with the states of one run.
import { useCallback, useMemo } from 'react';
import type { Task, TaskInstance } from '../../api/types';
import { elapsed, formatDuration } from '../../format/duration';
import type { NodeFace } from '../../graph/GraphNode';
import { GraphView } from '../../graph/GraphView';
import { summarise, type TaskSummary } from '../../graph/summary';

interface Props {
  tasks: readonly Task[];
  instances: readonly TaskInstance[];
  selected: string | null;
  onOpen: (taskId: string, mapIndex: number) => void;
}

function lineOf({ shown }: TaskSummary): string {
  const seconds = shown.end_date ? elapsed(shown.start_date, shown.end_date, 0) : null;
  return seconds === null ? '' : formatDuration(seconds);
}

export function RunGraph({ tasks, instances, selected, onOpen }: Props) {
  const summaries = useMemo(() => summarise(instances), [instances]);
  const operators = useMemo(() => new Map(tasks.map((task) => [task.task_id, task.operator_name ?? ''])), [tasks]);

  const faceOf = (taskId: string): NodeFace => {
    const summary = summaries.get(taskId);
    return {
      state: summary?.state ?? 'no_status',
      reason: summary?.shown.waiting_for?.text ?? '',
      line: summary ? lineOf(summary) : '',
      operator: operators.get(taskId) ?? '',
      copies: summary?.copies ?? 1,
    };
  };
  const open = useCallback((taskId: string) => onOpen(taskId, summaries.get(taskId)?.shown.map_index ?? -1), [onOpen, summaries]);
  return <GraphView tasks={tasks} faceOf={faceOf} selected={selected} onOpen={open} />;
}
