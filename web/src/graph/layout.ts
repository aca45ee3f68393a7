// Places the nodes of a graph in layers (dagre). Pure, and slow for large graphs: called in a worker only.
import { Graph, layout, type EdgeLabel, type GraphLabel, type NodeLabel } from '@dagrejs/dagre';
import { edgePath } from './edgePath';
import { NODE, type GraphInput, type GraphLayout, type Point } from './model';

/**
 * Above this many edges the best ranking costs more than it gives: for 1,000 tasks and 2,000 edges it
 * took three minutes, the next best four seconds with the same width and height.
 */
const MANY_EDGES = 200;

export function placeGraph({ direction, nodes, edges }: GraphInput): GraphLayout {
  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>();
  graph.setGraph({
    rankdir: direction,
    nodesep: direction === 'LR' ? 18 : 28,
    ranksep: direction === 'LR' ? 64 : 48,
    ranker: edges.length > MANY_EDGES ? 'tight-tree' : 'network-simplex',
    marginx: 24,
    marginy: 24,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) graph.setNode(id, { ...NODE });
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);

  const { width = 0, height = 0 } = graph.graph();
  const corner = (id: string): Point => {
    const { x = 0, y = 0 } = graph.node(id);
    return { x: x - NODE.width / 2, y: y - NODE.height / 2 };
  };
  return {
    width,
    height,
    nodes: nodes.map((id) => ({ id, ...corner(id) })),
    edges: graph.edges().map(({ v: from, w: to }) => {
      const points = graph.edge(from, to).points ?? [];
      return { from, to, path: edgePath(corner(from), corner(to), points, direction), box: boxOf([...points, corner(from), corner(to)]) };
    }),
  };
}

/** The smallest box around some points. */
function boxOf(points: readonly Point[]) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}
