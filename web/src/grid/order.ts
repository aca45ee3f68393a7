// The order of tasks in the grid: upstream before downstream, else by name. Pure.
import type { Task } from '../api/types';

/** Task ids so that every task comes after those it waits for; in a (broken) circle, by name. */
export function topological(tasks: readonly Task[]): string[] {
  const downstream = new Map(
    tasks.flatMap((task) => (task.task_id === null ? [] : [[task.task_id, task.downstream_task_ids ?? []] as const])),
  );
  const waiting = new Map([...downstream.keys()].map((id) => [id, 0]));
  for (const targets of downstream.values()) {
    for (const id of targets) if (waiting.has(id)) waiting.set(id, (waiting.get(id) ?? 0) + 1);
  }
  const order: string[] = [];
  let ready = [...waiting].flatMap(([id, count]) => (count === 0 ? [id] : [])).sort();
  while (ready.length > 0) {
    const next: string[] = [];
    for (const id of ready) {
      order.push(id);
      for (const target of downstream.get(id) ?? []) {
        const left = waiting.get(target);
        if (left === undefined) continue;
        waiting.set(target, left - 1);
        if (left === 1) next.push(target);
      }
    }
    ready = next.sort();
  }
  const placed = new Set(order);
  return [...order, ...[...downstream.keys()].filter((id) => !placed.has(id)).sort()];
}
