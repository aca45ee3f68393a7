// Where one looks at the graph from. Pure: a viewport and a gesture give a viewport.
import { NODE, type Box, type GraphLayout, type PlacedNode, type Point } from './model';

export interface Viewport {
  /** Where the graph's origin is on the screen. */
  x: number;
  y: number;
  scale: number;
}
export interface Size {
  width: number;
  height: number;
}

const SCALE = { min: 0.02, max: 2 };
const clamp = (scale: number) => Math.min(SCALE.max, Math.max(SCALE.min, scale));

/** All of the graph, centred, not larger than life. */
export function fit(layout: Pick<GraphLayout, 'width' | 'height'>, size: Size): Viewport {
  if (layout.width === 0 || layout.height === 0 || size.width === 0) return { x: 0, y: 0, scale: 1 };
  const scale = clamp(Math.min(size.width / layout.width, size.height / layout.height, 1));
  return { scale, x: (size.width - layout.width * scale) / 2, y: (size.height - layout.height * scale) / 2 };
}

/**
 * Where one starts to look: at the whole if it can be read, else at one node, without leaving
 * empty what the graph could fill.
 */
export function start(layout: GraphLayout, size: Size, readable: number, focus: string | null): Viewport {
  const whole = fit(layout, size);
  if (whole.scale >= readable) return whole;
  const node = layout.nodes.find(({ id }) => id === focus) ?? firstNode(layout);
  const along = (length: number, room: number, centre: number) =>
    length * readable <= room
      ? (room - length * readable) / 2
      : Math.min(0, Math.max(room - length * readable, room / 2 - centre * readable));
  return {
    scale: readable,
    x: along(layout.width, size.width, (node?.x ?? 0) + NODE.width / 2),
    y: along(layout.height, size.height, (node?.y ?? 0) + NODE.height / 2),
  };
}

/** Of the nodes that nothing comes before, the one in the middle. */
function firstNode({ nodes, edges }: GraphLayout): PlacedNode | undefined {
  const later = new Set(edges.map(({ to }) => to));
  const roots = nodes.filter(({ id }) => !later.has(id)).sort((a, b) => a.x - b.x || a.y - b.y);
  return roots[Math.floor(roots.length / 2)];
}

/** Zooms so that the point under the pointer stays there. */
export function zoom(view: Viewport, factor: number, at: Point): Viewport {
  const scale = clamp(view.scale * factor);
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

export const pan = (view: Viewport, dx: number, dy: number): Viewport => ({ ...view, x: view.x + dx, y: view.y + dy });

/** The part of the graph that is on the screen, with a margin. */
export function visibleArea(view: Viewport, size: Size, margin = 200): Box {
  return {
    left: -view.x / view.scale - margin,
    top: -view.y / view.scale - margin,
    right: (size.width - view.x) / view.scale + margin,
    bottom: (size.height - view.y) / view.scale + margin,
  };
}
