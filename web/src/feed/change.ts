// What the live feed tells: `FeedChange` in crates/model/src/batch.rs, as JSON.
import type { RunState, TaskState } from '../api/types';

export type FeedChange =
  | { what: 'dag'; dag_id: string }
  | { what: 'run'; dag_id: string; run_id: string; state: RunState }
  | {
      what: 'task_instance';
      dag_id: string;
      run_id: string;
      task_id: string;
      map_index: number;
      /** As the database spells it: `no_status` is the API's `null`. */
      state: NonNullable<TaskState> | 'no_status';
      try_number: number;
    }
  | { what: 'run_deleted'; run: number }
  | { what: 'import_errors' }
  | { what: 'pools' };
