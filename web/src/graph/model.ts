// The graph of a DAG as the layout takes it. Pure.
import type { Task } from '../api/types';

export type Direction = 'LR' | 'TB';

export interface GraphInput {
  direction: Direction;
  /** Task ids, in order. */
  nodes: string[];
  /** Pairs of task ids: upstream, downstream. */
  edges: [string, string][];
}

export interface PlacedNode {
  id: string;
  /** Left upper corner. */
  x: number;
  y: number;
}
export interface Point {
  x: number;
  y: number;
}
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}
export interface PlacedEdge {
  from: string;
  to: string;
  /** As SVG has it. */
  path: string;
  box: Box;
}
export interface GraphLayout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

/** The size of every node, in the graph's units. */
export const NODE = { width: 216, height: 52 };

/** A downstream task that is not in the list (it was removed) is left out. */
export function graphInput(tasks: readonly Task[], direction: Direction): GraphInput {
  const nodes = tasks.flatMap((task) => task.task_id ?? []).sort();
  const known = new Set(nodes);
  const edges = tasks.flatMap(({ task_id: from, downstream_task_ids: downstream }) =>
    from === null ? [] : (downstream ?? []).filter((to) => known.has(to)).map((to): [string, string] => [from, to]),
  );
  edges.sort(([a, b], [c, d]) => (a === c ? Number(b > d) - Number(b < d) : a > c ? 1 : -1));
  return { direction, nodes, edges };
}

type Edge = readonly [string, string];

function reach(edges: readonly Edge[], start: string, from: 0 | 1): Set<string> {
  const next = new Map<string, string[]>();
  for (const edge of edges) {
    const list = next.get(edge[from]);
    if (list === undefined) next.set(edge[from], [edge[1 - from] ?? '']);
    else list.push(edge[1 - from] ?? '');
  }
  const found = new Set([start]);
  const waiting = [start];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const other of next.get(at) ?? []) {
      if (found.has(other)) continue;
      found.add(other);
      waiting.push(other);
    }
  }
  return found;
}

/** All tasks before and after one, and itself. */
export const relatives = (edges: readonly Edge[], id: string): Set<string> => new Set([...reach(edges, id, 0), ...reach(edges, id, 1)]);

/** Whether two boxes have a point in common. */
export const overlap = (a: Box, b: Box): boolean => a.left <= b.right && a.right >= b.left && a.top <= b.bottom && a.bottom >= b.top;
