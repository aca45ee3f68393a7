// One task in the graph.
import { memo } from 'react';
import { stateLabel, type StateName } from '../state/states';
import { NODE, type PlacedNode } from './model';

export interface NodeFace {
  state: StateName | null;
  /** Why it waits; empty if it does not. Stands in place of the state's name: the colour has that. */
  reason: string;
  /** Beside the state: how long it took. */
  line: string;
  operator: string;
  copies: number;
}

interface Props {
  node: PlacedNode;
  face: NodeFace;
  selected: boolean;
  dimmed: boolean;
  /** Seen from afar: colour only. */
  coarse: boolean;
  onOpen: (id: string) => void;
  onHover: (id: string | null) => void;
}

/** Characters that fit; SVG text does not break or cut by itself. */
const FITS = { title: 27, line: 33 };
const cut = (text: string, length: number) => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

function GraphNodeInner({ node, face, selected, dimmed, coarse, onOpen, onHover }: Props) {
  const state = face.state === null ? '' : stateLabel(face.state);
  const line = face.reason || [state, face.line].filter(Boolean).join(' · ') || face.operator;
  const copies = face.copies > 1 ? `${face.copies} copies` : '';
  const label = [`Task ${node.id}`, copies, state, face.reason, face.line].filter(Boolean).join(', ');
  return (
    <g
      className={`graph-node ${selected ? 'graph-node--selected' : ''} ${dimmed ? 'graph-node--dimmed' : ''}`}
      transform={`translate(${node.x} ${node.y})`}
      data-state={face.state ?? undefined}
      role="button"
      tabIndex={0}
      aria-label={label}
      aria-pressed={selected}
      onClick={() => onOpen(node.id)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onOpen(node.id);
      }}
      onPointerEnter={() => onHover(node.id)}
      onPointerLeave={() => onHover(null)}
    >
      <title>{[node.id, face.operator, state, face.reason, face.line].filter(Boolean).join('\n')}</title>
      {face.copies > 1 && <rect className="graph-node__box" x={4} y={4} width={NODE.width} height={NODE.height} rx={7} />}
      <rect className="graph-node__box" width={NODE.width} height={NODE.height} rx={7} />
      {face.state !== null && <path className="graph-node__stripe" d={`M7 0H6a6 6 0 0 0 -6 6v${NODE.height - 12}a6 6 0 0 0 6 6h1z`} />}
      {coarse ? (
        <rect className="graph-node__fill" width={NODE.width} height={NODE.height} rx={7} />
      ) : (
        <>
          <text className="graph-node__title" x={17} y={22}>
            {cut(face.copies > 1 ? `${node.id} [${face.copies}]` : node.id, FITS.title)}
          </text>
          <text className={`graph-node__line ${face.reason === '' ? '' : 'graph-node__line--waits'}`} x={17} y={39}>
            {cut(line, FITS.line)}
          </text>
        </>
      )}
    </g>
  );
}

export const GraphNode = memo(GraphNodeInner, (a, b) => {
  return (
    a.node === b.node &&
    a.selected === b.selected &&
    a.dimmed === b.dimmed &&
    a.coarse === b.coarse &&
    a.onOpen === b.onOpen &&
    a.face.state === b.face.state &&
    a.face.line === b.face.line &&
    a.face.reason === b.face.reason &&
    a.face.operator === b.face.operator &&
    a.face.copies === b.face.copies
  );
});
