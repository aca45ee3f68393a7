// The task instance that is open beside its run: state, reason, actions, log, details, XComs.
import { useState } from 'react';
import type { TaskInstance, TaskRef } from '../../api/types';
import { useForbidden } from '../../app/useMe';
import { Button, IconButton } from '../../components/Button';
import { Duration } from '../../components/Duration';
import { LinkTabs } from '../../components/LinkTabs';
import { EmptyNotice } from '../../components/Notice';
import { Reason } from '../../components/Reason';
import { StateBadge } from '../../components/StateBadge';
import { LogPanel } from '../../log/LogPanel';
import { isRunning, stateName } from '../../state/states';
import { taskLabel } from '../run/TaskListRow';
import type { TaskTab, useRunAddress } from '../run/useRunAddress';
import { ClearTaskDialog } from './ClearTaskDialog';
import { MappedPicker } from './MappedPicker';
import { MarkTaskDialog } from './MarkTaskDialog';
import { TaskDetails } from './TaskDetails';
import './TaskPanel.css';
import { TryPicker } from './TryPicker';
import { XComPanel } from './XComPanel';

interface Props {
  taskRef: TaskRef;
  /** Absent if the run has no such task instance. */
  instance: TaskInstance | undefined;
  /** All of the run: the other copies of a mapped task are among them. */
  siblings: readonly TaskInstance[];
  address: ReturnType<typeof useRunAddress>;
  wide: boolean;
  onWide: (wide: boolean) => void;
}

const TABS: readonly { tab: TaskTab; label: string }[] = [
  { tab: 'log', label: 'Log' },
  { tab: 'details', label: 'Details' },
  { tab: 'xcom', label: 'XCom' },
];

export function TaskPanel({ taskRef, instance, siblings, address, wide, onWide }: Props) {
  const [dialog, setDialog] = useState<'clear' | 'mark' | null>(null);
  const tryNumber = address.tryNumber ?? instance?.try_number ?? 0;
  const { tab } = address;
  const forbidden = useForbidden();
  return (
    <section className="task-panel" aria-label={`Task ${taskRef.taskId}`}>
      <header className="task-panel__head">
        <div className="page__title">
          <h2>{instance ? taskLabel(instance) : taskRef.taskId}</h2>
          {instance && (
            <>
              <span role="status" aria-label="State of the task">
                <StateBadge state={stateName(instance.state)} />
              </span>
              <Duration start={instance.start_date} end={instance.end_date} live={isRunning(instance.state)} />
            </>
          )}
          <div className="page__actions task-panel__icons">
            <IconButton
              icon={wide ? 'shrink' : 'expand'}
              label={wide ? 'Show the run too' : 'Use the whole width'}
              onClick={() => onWide(!wide)}
            />
            <IconButton icon="close" label="Close the task" onClick={address.closeTask} />
          </div>
        </div>
        {instance?.waiting_for && <Reason waitingFor={instance.waiting_for} />}
        {instance?.reason && <p className="task-panel__why">{instance.reason}</p>}
        {instance && (
          <div className="task-panel__tools">
            <MappedPicker current={instance} siblings={siblings} onPick={address.openTask} />
            <TryPicker current={instance.try_number} chosen={tryNumber} onPick={address.chooseTry} />
            <Button icon="clear" forbidden={forbidden} onClick={() => setDialog('clear')}>
              Clear…
            </Button>
            <Button icon="check" forbidden={forbidden} onClick={() => setDialog('mark')}>
              Mark as…
            </Button>
          </div>
        )}
        <LinkTabs
          label="Task"
          tabs={TABS.map((one) => ({ label: one.label, to: { search: address.tabSearch(one.tab) }, current: one.tab === tab }))}
        />
      </header>
      {!instance && <EmptyNotice title="This run has no such task">The DAG may have changed since the run.</EmptyNotice>}
      {instance && tab === 'log' && <TaskLog taskRef={taskRef} instance={instance} tryNumber={tryNumber} />}
      {instance && tab === 'details' && (
        <div className="task-panel__scroll">
          <TaskDetails taskRef={taskRef} instance={instance} tryNumber={tryNumber} />
        </div>
      )}
      {instance && tab === 'xcom' && (
        <div className="task-panel__scroll">
          <XComPanel taskRef={taskRef} />
        </div>
      )}
      {instance && dialog === 'clear' && <ClearTaskDialog taskRef={taskRef} onClose={() => setDialog(null)} />}
      {instance && dialog === 'mark' && <MarkTaskDialog taskRef={taskRef} onClose={() => setDialog(null)} />}
    </section>
  );
}

function TaskLog({ taskRef, instance, tryNumber }: { taskRef: TaskRef; instance: TaskInstance; tryNumber: number }) {
  if (tryNumber > 0) return <LogPanel key={tryNumber} taskRef={taskRef} instance={instance} tryNumber={tryNumber} />;
  return (
    <EmptyNotice title="No try yet, so no log">
      {instance.waiting_for?.text ?? 'The log appears here once the task has started.'}
    </EmptyNotice>
  );
}
