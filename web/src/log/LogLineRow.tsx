// One line of a log.
import { memo } from 'react';
import type { LogLine } from '../api/types';
import { formatClock } from '../format/time';
import { levelOf, parseAnsi, stripAnsi } from './ansi';

interface Props {
  line: LogLine;
  number: number;
  showTime: boolean;
}

export const LogLineRow = memo(function LogLineRow({ line, number, showTime }: Props) {
  const level = levelOf(stripAnsi(line.event));
  return (
    <div className={`log__line ${level === null ? '' : `log__line--${level}`}`}>
      <span className="log__number" aria-hidden="true">
        {number}
      </span>
      {showTime && (
        <span className="log__time" title={line.timestamp ?? undefined}>
          {line.timestamp ? formatClock(line.timestamp) : ''}
        </span>
      )}
      <span className="log__text">
        {parseAnsi(line.event).map((span, index) => (
          <span key={index} className={span.bold ? 'log__bold' : undefined} data-color={span.color}>
            {span.text}
          </span>
        ))}
      </span>
    </div>
  );
});
