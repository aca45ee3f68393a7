// One dependency in the graph.
import { memo } from 'react';

interface Props {
  path: string;
  lit: boolean;
  dimmed: boolean;
}

export const GraphEdge = memo(function GraphEdge({ path, lit, dimmed }: Props) {
  return (
    <path
      className={`graph-edge ${lit ? 'graph-edge--lit' : ''} ${dimmed ? 'graph-edge--dimmed' : ''}`}
      d={path}
      markerEnd="url(#graph-arrow)"
    />
  );
});
