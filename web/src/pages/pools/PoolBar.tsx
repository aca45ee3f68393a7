// The slots of one pool, by what holds them.
import type { Pool } from '../../api/types';
import { StateCounts } from '../../components/StateCounts';
import type { StateName } from '../../state/states';

export function PoolBar({ pool }: { pool: Pool }) {
  const parts: [StateName, number][] = [
    ['running', pool.running_slots],
    ['queued', pool.queued_slots],
    ...(pool.include_deferred ? [['deferred', pool.deferred_slots] as [StateName, number]] : []),
  ];
  const waiting: [StateName, number][] = pool.scheduled_slots > 0 ? [['scheduled', pool.scheduled_slots]] : [];
  const total = pool.slots < 0 ? Math.max(1, pool.occupied_slots) : Math.max(1, pool.slots);
  const label = `${pool.occupied_slots} of ${pool.slots < 0 ? 'unlimited' : pool.slots} slots used`;
  return (
    <div className="pool-bar">
      <div
        className="pool-bar__track"
        role="meter"
        aria-label={label}
        aria-valuenow={pool.occupied_slots}
        aria-valuemin={0}
        aria-valuemax={total}
      >
        {parts.map(([state, count]) => (
          <span key={state} data-state={state} style={{ width: `${Math.min(100, (count / total) * 100)}%` }} />
        ))}
      </div>
      <StateCounts noun="slots" counts={[...parts, ...waiting].filter(([, count]) => count > 0)} />
    </div>
  );
}
