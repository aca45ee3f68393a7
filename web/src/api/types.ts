// The names by which the page knows the API's values. Generated names appear here and nowhere else,
// so that a renamed schema is one change. What the schema does not say is written out, with its source.
import type { components } from './schema';

type Schemas = components['schemas'];

/** Why something does not run; `text` is the sentence people read. */
export type WaitingFor = Schemas['WaitingFor'];

export type RunState = Schemas['DagRunState'];
/** `null` is Airflow's `no_status`. */
export type TaskState = Schemas['TaskInstanceState'] | null;
export type RunType = Schemas['DagRunType'];

export type Dag = Schemas['DAGResponse'];
// Here and below: `object` in the schema means "any object", which the generator can't say.
export type DagDetails = Omit<Schemas['DAGDetailsResponse'], 'params'> & { params: Record<string, Param> | null };
export type DagStats = Schemas['DagStatsResponse'];
export type DagRun = Schemas['DAGRunResponse'];
/** A run as a list of DAGs shows it. */
export type RecentRun = Schemas['RecentRun'];
export type Task = Schemas['TaskResponse'];
export type TaskInstance = Schemas['TaskInstanceResponse'];
export type TaskTry = Schemas['TaskInstanceHistoryResponse'];
export type XComEntry = Schemas['XComResponse'];
export type XComValue = Schemas['XComResponseNative'];
/** Who is logged in. */
export type Me = Schemas['Me'];
export type Pool = Schemas['PoolResponse'];
export type DagSource = Schemas['DAGSourceResponse'];
export type DagVersion = Schemas['DagVersionResponse'];
export type ClearBody = Schemas['ClearTaskInstancesBody'];
export type TriggerBody = Omit<Schemas['TriggerDAGRunPostBody'], 'conf'> & { conf: Record<string, unknown> };

/** One thing that is wrong with a DAG file (crates/dagfile/src/diagnostic.rs). */
export interface Diagnostic {
  message: string;
  help?: string;
  line: number;
  column: number;
  severity: 'error' | 'warning';
}
export type ImportError = Omit<Schemas['ImportErrorResponse'], 'diagnostics'> & { diagnostics: Diagnostic[] };

/** A line of a log: as the JSON answer and the live stream have it. */
export interface LogLine {
  timestamp?: string | null;
  event: string;
}

/** A param as `dags/{id}/details` shows it (Airflow's `Param.dump`). */
export interface Param {
  value?: unknown;
  description?: string | null;
  schema?: ParamSchema;
}
/** The part of JSON Schema that the trigger form understands; the server checks all of it. */
export interface ParamSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  format?: string;
  enum?: unknown[];
  examples?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: { type?: string };
}

/** What names a run. */
export interface RunRef {
  dagId: string;
  runId: string;
}
/** What names a task instance; `mapIndex` is -1 for a task that is not mapped. */
export interface TaskRef extends RunRef {
  taskId: string;
  mapIndex: number;
}
