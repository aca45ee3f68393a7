// The log of a try with its tools: search, time stamps, wrapping, download.
import { useMemo, useState } from 'react';
import type { TaskInstance, TaskRef } from '../api/types';
import { IconButton } from '../components/Button';
import { EmptyNotice, ErrorNotice, Loading } from '../components/Notice';
import { SearchBox } from '../components/SearchBox';
import { logGrows, stateLabel, stateName } from '../state/states';
import { stripAnsi } from './ansi';
import { LogLines } from './LogLines';
import './LogPanel.css';
import { useLog } from './useLog';

interface Props {
  taskRef: TaskRef;
  instance: TaskInstance;
  tryNumber: number;
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export function LogPanel({ taskRef, instance, tryNumber }: Props) {
  const current = tryNumber === instance.try_number;
  const log = useLog(taskRef, tryNumber, current && logGrows(instance.state));
  const [search, setSearch] = useState('');
  const [showTime, setShowTime] = useState(true);
  const [wrap, setWrap] = useState(false);
  const shown = useMemo(() => {
    const wanted = search.toLowerCase();
    const numbered = log.lines.map((line, index) => ({ line, number: index + 1 }));
    return wanted === '' ? numbered : numbered.filter(({ line }) => stripAnsi(line.event).toLowerCase().includes(wanted));
  }, [log.lines, search]);

  return (
    <div className="log">
      <div className="log__tools">
        <SearchBox label="Search in log" value={search} onChange={setSearch} />
        <span className="muted tabular log__count" role="status">
          {log.following && <span className="log__live">live</span>}
          {search === '' ? `${log.lines.length} lines` : `${shown.length} of ${log.lines.length}`}
        </span>
        <IconButton icon="clock" label="Time stamps" aria-pressed={showTime} onClick={() => setShowTime(!showTime)} />
        <IconButton icon="wrap" label="Wrap lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)} />
        <IconButton
          icon="download"
          label="Download log"
          onClick={() =>
            download(
              `${taskRef.dagId}.${taskRef.runId}.${taskRef.taskId}.${tryNumber}.log`,
              log.lines.map((line) => `${line.timestamp ? `[${line.timestamp}] ` : ''}${line.event}\n`).join(''),
            )
          }
        />
      </div>
      {log.error && <ErrorNotice error={log.error} retry={log.retry} />}
      {log.pending && log.error === null && <Loading what="log" />}
      {!log.pending && log.error === null && log.lines.length === 0 && (
        <EmptyNotice title={log.following ? 'Nothing written yet' : 'The log is empty'}>
          {log.following
            ? (instance.waiting_for?.text ?? 'Lines appear here as the task writes them.')
            : `This try is ${stateLabel(stateName(instance.state))} and wrote nothing.`}
        </EmptyNotice>
      )}
      {log.lines.length > 0 && (
        <LogLines key={wrap ? 'wrap' : 'cut'} lines={shown} showTime={showTime} wrap={wrap} following={log.following} />
      )}
    </div>
  );
}
