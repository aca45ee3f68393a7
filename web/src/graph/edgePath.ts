// The line of a dependency: out of one node's side, into the other's, never bending back. Pure.
import type { Direction, Point } from './model';
import { NODE } from './model';

/** Where an edge leaves a node whose left upper corner is at `at`. */
const exit = (at: Point, direction: Direction): Point =>
  direction === 'LR' ? { x: at.x + NODE.width, y: at.y + NODE.height / 2 } : { x: at.x + NODE.width / 2, y: at.y + NODE.height };

/** Where an edge enters a node. */
const entry = (at: Point, direction: Direction): Point =>
  direction === 'LR' ? { x: at.x, y: at.y + NODE.height / 2 } : { x: at.x + NODE.width / 2, y: at.y };

/** One piece of the line: it leaves and arrives along the direction of the graph. */
function piece(from: Point, to: Point, direction: Direction): string {
  const [mx, my] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const bend = direction === 'LR' ? `${mx} ${from.y} ${mx} ${to.y}` : `${from.x} ${my} ${to.x} ${my}`;
  return `C${bend} ${to.x} ${to.y}`;
}

/**
 * From node `from` to node `to` (their left upper corners). Of the layout's points the inner ones
 * are kept where the edge passes other layers; the ends, and the only inner point of an edge between
 * neighbouring layers, are not.
 */
export function edgePath(from: Point, to: Point, points: readonly Point[], direction: Direction): string {
  const inner = points.length > 3 ? points.slice(1, -1) : [];
  const start = exit(from, direction);
  const stops = [start, ...inner, entry(to, direction)];
  return `M${start.x} ${start.y}${stops
    .slice(1)
    .map((stop, index) => piece(stops[index] ?? start, stop, direction))
    .join('')}`;
}
