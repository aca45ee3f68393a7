// The log of a try with its tools: search, time stamps, wrapping, download.
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { downloadLog } from '../api/logs';
import type { TaskInstance, TaskRef } from '../api/types';
import { Button, IconButton } from '../components/Button';
import { EmptyNotice, ErrorNotice, Loading } from '../components/Notice';
import { SearchBox } from '../components/SearchBox';
import { useToast } from '../components/Toasts';
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

function save(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export function LogPanel({ taskRef, instance, tryNumber }: Props) {
  const current = tryNumber === instance.try_number;
  const log = useLog(taskRef, tryNumber, current && logGrows(instance.state));
  const toast = useToast();
  const download = useMutation({
    mutationFn: () => downloadLog(taskRef, tryNumber),
    onSuccess: (file) => save(`${taskRef.dagId}.${taskRef.runId}.${taskRef.taskId}.${tryNumber}.log`, file),
    onError: toast.error,
  });
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
          {log.following && log.status === 'live' && <span className="log__live">live</span>}
          {log.following && log.status === 'lost' && <span className="log__live log__live--lost">offline</span>}
          {search === '' ? `${log.lines.length} lines` : `${shown.length} of ${log.lines.length}`}
        </span>
        <IconButton icon="clock" label="Time stamps" aria-pressed={showTime} onClick={() => setShowTime(!showTime)} />
        <IconButton icon="wrap" label="Wrap lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)} />
        <IconButton icon="download" label="Download log" disabled={download.isPending} onClick={() => download.mutate()} />
      </div>
      {log.isCut && (
        <p className="log__cut" role="note">
          This log is too long to be shown: these are its first {log.lines.length.toLocaleString('en')} lines.{' '}
          <Button disabled={download.isPending} icon="download" onClick={() => download.mutate()}>
            Download the whole
          </Button>
        </p>
      )}
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
