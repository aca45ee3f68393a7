// The lines of a log: only those in view exist, and the end is followed while one looks at it.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import type { LogLine } from '../api/types';
import { Button } from '../components/Button';
import { LogLineRow } from './LogLineRow';

const LINE_HEIGHT = 19;
/** So near to the end counts as being there, in px. */
const AT_END = 30;

interface Props {
  lines: readonly { line: LogLine; number: number }[];
  showTime: boolean;
  wrap: boolean;
  /** Whether more lines may come. */
  following: boolean;
}

export function LogLines({ lines, showTime, wrap, following }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  });

  useEffect(() => {
    const element = scroller.current;
    if (atEnd && element !== null) element.scrollTop = element.scrollHeight;
  }, [lines.length, atEnd, wrap]);

  return (
    <div className="log__frame">
      <div
        ref={scroller}
        className={`log__scroller ${wrap ? 'log__scroller--wrap' : ''}`}
        role="log"
        aria-label="Task log"
        aria-live={following ? 'polite' : 'off'}
        // A log longer than the pane is scrolled with the keys.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setAtEnd(scrollHeight - scrollTop - clientHeight < AT_END)
        }
      >
        <div className="log__sizer" style={{ height: rows.getTotalSize() }}>
          <div className="log__window" style={{ transform: `translateY(${rows.getVirtualItems()[0]?.start ?? 0}px)` }}>
            {rows.getVirtualItems().map(({ index }) => {
              const entry = lines[index];
              return (
                entry && (
                  <div key={index} data-index={index} ref={wrap ? rows.measureElement : undefined}>
                    <LogLineRow line={entry.line} number={entry.number} showTime={showTime} />
                  </div>
                )
              );
            })}
          </div>
        </div>
      </div>
      {!atEnd && (
        <Button className="log__jump" icon="down" onClick={() => setAtEnd(true)}>
          {following ? 'Follow' : 'To the end'}
        </Button>
      )}
    </div>
  );
}
