import { describe, expect, it } from 'vitest';
import type { Task, TaskInstance } from '../api/types';
import { topological } from '../grid/order';
import { edgePath } from './edgePath';
import { placeGraph } from './layout';
import { graphInput, NODE, relatives } from './model';
import { summarise } from './summary';
import { fit, visibleArea, zoom } from './viewport';

const task = (task_id: string, ...downstream_task_ids: string[]) => ({ task_id, downstream_task_ids }) as Task;
const DIAMOND = [task('load'), task('extract', 'clean', 'audit'), task('clean', 'load'), task('audit', 'load', 'gone')];

describe('graphInput', () => {
  it('is in a fixed order and leaves out edges to tasks that are not there', () => {
    expect(graphInput(DIAMOND, 'LR')).toEqual({
      direction: 'LR',
      nodes: ['audit', 'clean', 'extract', 'load'],
      edges: [
        ['audit', 'load'],
        ['clean', 'load'],
        ['extract', 'audit'],
        ['extract', 'clean'],
      ],
    });
  });
});

describe('placeGraph', () => {
  it.each(['LR', 'TB'] as const)('puts every task after its upstream, without overlaps (%s)', (direction) => {
    const { nodes, edges } = placeGraph(graphInput(DIAMOND, direction));
    const at = new Map(nodes.map((node) => [node.id, node]));
    const [axis, length] = direction === 'LR' ? (['x', NODE.width] as const) : (['y', NODE.height] as const);
    for (const { from, to } of edges) expect((at.get(to)?.[axis] ?? 0) - (at.get(from)?.[axis] ?? 0)).toBeGreaterThan(length);
    for (const a of nodes) {
      for (const b of nodes) {
        if (a !== b) expect(Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height).toBe(true);
      }
    }
  });

  it('places nothing', () => expect(placeGraph({ direction: 'LR', nodes: [], edges: [] }).nodes).toEqual([]));
});

describe('edgePath', () => {
  it('goes from the right side to the left side', () => {
    const path = edgePath({ x: 0, y: 0 }, { x: 300, y: 100 }, [], 'LR');
    expect(path).toBe(`M${NODE.width} 26C258 26 258 126 300 126`);
  });
});

describe('relatives', () => {
  it('finds what is before and after, not what is beside', () => {
    expect([...relatives(graphInput(DIAMOND, 'LR').edges, 'clean')].sort()).toEqual(['clean', 'extract', 'load']);
  });
});

describe('topological', () => {
  it('puts upstream first', () => expect(topological(DIAMOND)).toEqual(['extract', 'audit', 'clean', 'load']));
  it('keeps the tasks of a circle', () => expect(topological([task('a', 'b'), task('b', 'a'), task('c')])).toEqual(['c', 'a', 'b']));
});

describe('summarise', () => {
  const instance = (task_id: string, map_index: number, state: TaskInstance['state']) => ({ task_id, map_index, state }) as TaskInstance;
  it('shows the copy that needs most attention', () => {
    const found = summarise([
      instance('map', 0, 'success'),
      instance('map', 1, 'failed'),
      instance('map', 2, 'running'),
      instance('one', -1, null),
    ]);
    expect(found.get('map')).toMatchObject({ state: 'failed', copies: 3, shown: { map_index: 1 } });
    expect(found.get('one')).toMatchObject({ state: 'no_status', copies: 1 });
  });
});

describe('viewport', () => {
  it('fits and centres', () => expect(fit({ width: 200, height: 100 }, { width: 100, height: 100 })).toEqual({ scale: 0.5, x: 0, y: 25 }));
  it('keeps the point under the pointer when zooming', () => {
    const before = { x: 10, y: 20, scale: 1 };
    const after = zoom(before, 2, { x: 110, y: 70 });
    expect((110 - after.x) / after.scale).toBe((110 - before.x) / before.scale);
    expect((70 - after.y) / after.scale).toBe((70 - before.y) / before.scale);
  });
  it('sees what is on the screen', () =>
    expect(visibleArea({ x: -100, y: 0, scale: 0.5 }, { width: 400, height: 200 }, 0)).toEqual({
      left: 200,
      top: -0,
      right: 1000,
      bottom: 400,
    }));
});
