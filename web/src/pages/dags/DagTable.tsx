// The list itself. Only the rows in view exist, so ten thousand DAGs scroll as ten do, and only they
// ask for their runs.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import type { Dag } from '../../api/types';
import { DagRow } from './DagRow';
import './DagTable.css';
import { useInView } from './useInView';

const ROW_HEIGHT = 58;
/** So many rows before the end, the next page is asked for. */
const AHEAD = 20;

interface Props {
  dags: readonly Dag[];
  onEnd: () => void;
  onTag: (tag: string) => void;
  onTrigger: (dag: Dag) => void;
}

export function DagTable({ dags, onEnd, onTag, onTrigger }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: dags.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
  });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  const inView = useInView(visible.flatMap(({ index }) => dags[index]?.dag_id ?? []));

  useEffect(() => {
    if (last >= dags.length - AHEAD) onEnd();
  }, [last, dags.length, onEnd]);

  return (
    <div className="page__body" ref={scroller}>
      <div className="card dag-table" role="table" aria-label="DAGs" aria-rowcount={dags.length + 1}>
        <div className="dag-table__head dag-table__grid" role="row">
          <span role="columnheader">
            <span className="visually-hidden">Active</span>
          </span>
          <span role="columnheader">Dag</span>
          <span role="columnheader">Schedule</span>
          <span role="columnheader">Next run</span>
          <span role="columnheader">Last runs</span>
          <span role="columnheader">Runs by state</span>
          <span role="columnheader">Tasks of the last run</span>
          <span role="columnheader">
            <span className="visually-hidden">Actions</span>
          </span>
        </div>
        <div role="rowgroup" className="dag-table__rows" style={{ height: rows.getTotalSize() }}>
          {visible.map(({ index, start }) => {
            const dag = dags[index];
            return (
              dag && (
                <DagRow
                  key={dag.dag_id}
                  dag={dag}
                  index={index}
                  top={start}
                  inView={inView(dag.dag_id)}
                  onTag={onTag}
                  onTrigger={onTrigger}
                />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}
