// From the params of a DAG to the fields of a form, and from what was typed to a run's `conf`. Pure.
// Types and formats are those of Airflow's `Param`, which are JSON Schema's.
import type { Param, ParamSchema } from '../api/types';

export type FieldKind =
  'text' | 'multiline' | 'integer' | 'number' | 'boolean' | 'choice' | 'date' | 'datetime' | 'time' | 'lines' | 'json';

export interface Field {
  name: string;
  label: string;
  help: string;
  kind: FieldKind;
  /** Must have a value: the schema has no room for null. */
  required: boolean;
  /** The default is an empty text, so an empty field is one too. */
  emptyIsText: boolean;
  /** What the form starts with; a boolean is `true` or `false` as text. */
  initial: string;
  /** Nothing need be sent: there is a default, or room for null. */
  mayBeAbsent: boolean;
  /** The default is a number that JavaScript would show as another: the form shows none. */
  isInexact: boolean;
  /** For `choice`: the values themselves. For texts: proposals. */
  options: readonly unknown[];
  schema: ParamSchema;
}

const typesOf = (schema: ParamSchema): readonly string[] =>
  schema.type === undefined ? [] : Array.isArray(schema.type) ? schema.type : [schema.type];

const takesNoNull = (schema: ParamSchema): boolean => typesOf(schema).length > 0 && !typesOf(schema).includes('null');

const TEXT_FORMATS: Readonly<Record<string, FieldKind>> = { date: 'date', 'date-time': 'datetime', time: 'time', multiline: 'multiline' };

function kindOf(schema: ParamSchema, value: unknown): FieldKind {
  if (schema.enum !== undefined) return 'choice';
  const type = typesOf(schema).find((one) => one !== 'null') ?? typeOfValue(value);
  switch (type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return type;
    case 'string':
      return TEXT_FORMATS[schema.format ?? ''] ?? 'text';
    case 'array':
      return schema.items?.type === 'string' || isTextList(value) ? 'lines' : 'json';
    default:
      return 'json';
  }
}

const isTextList = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');

function typeOfValue(value: unknown): string {
  if (value === null || value === undefined) return 'string';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

const pad = (value: number) => String(value).padStart(2, '0');

/** Whether all numbers in here are those that were written: beyond 2^53 JavaScript rounds whole numbers. */
export function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return typeof value !== 'object' || value === null || Object.values(value).every(isExact);
}

const INEXACT = 'A number here has more digits than the page can send exactly; the API takes it.';

/** `10:30` and `10:30:00Z` as `10:30:00`: what `<input type="time">` can show, and the server takes. */
const toTime = (value: string): string => {
  const match = /^(\d{2}:\d{2})(:\d{2})?/.exec(value);
  return match === null ? '' : `${match[1] ?? ''}${match[2] ?? ':00'}`;
};

/** A moment for `<input type="datetime-local">`: the browser's zone, to the second. */
export function toLocalInput(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return '';
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day}T${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

function toText(kind: FieldKind, value: unknown): string {
  if (value === null || value === undefined) return kind === 'boolean' ? 'false' : '';
  switch (kind) {
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'choice':
      return JSON.stringify(value);
    case 'lines':
      return Array.isArray(value) ? value.map(String).join('\n') : '';
    case 'datetime':
      return typeof value === 'string' ? toLocalInput(value) : '';
    case 'time':
      return typeof value === 'string' ? toTime(value) : '';
    case 'integer':
    case 'number':
      if (!isExact(value)) return '';
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'text':
    case 'multiline':
    case 'boolean':
    case 'date':
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

/** The fields of the form, in the order of the params. */
export function fieldsOf(params: Readonly<Record<string, Param>>): Field[] {
  return Object.entries(params).map(([name, param]) => {
    const schema = param.schema ?? {};
    const kind = kindOf(schema, param.value);
    return {
      name,
      label: schema.title ?? name,
      help: param.description ?? schema.description ?? '',
      kind,
      required: kind !== 'boolean' && takesNoNull(schema),
      emptyIsText: param.value === '',
      initial: toText(kind, param.value),
      mayBeAbsent: (param.value !== null && param.value !== undefined) || !takesNoNull(schema),
      isInexact: !isExact(param.value),
      options: schema.enum ?? schema.examples ?? [],
      schema,
    };
  });
}

export type FieldValue = { ok: true; value: unknown } | { ok: false; problem: string };

const good = (value: unknown): FieldValue => ({ ok: true, value });
const bad = (problem: string): FieldValue => ({ ok: false, problem });

/** The value that was typed, or what is wrong with it. */
export function parseField(field: Field, text: string): FieldValue {
  if (text.trim() === '' && field.kind !== 'boolean') return parseEmpty(field);
  switch (field.kind) {
    case 'boolean':
      return good(text === 'true');
    case 'integer':
    case 'number':
      return parseNumber(field, text);
    case 'choice':
      return good(JSON.parse(text));
    case 'json':
      return parseJson(text);
    case 'lines':
      return good(text.split('\n').filter((line) => line.trim() !== ''));
    case 'datetime':
      return good(new Date(text).toISOString());
    case 'text':
    case 'multiline':
      return parseText(field.schema, text);
    case 'time':
      return good(toTime(text));
    case 'date':
      return good(text);
  }
}

/** Nothing was typed: that is null where null may be, and an empty text where that was the default. */
function parseEmpty({ kind, required, emptyIsText }: Field): FieldValue {
  if (emptyIsText) return good('');
  if (!required) return good(null);
  return kind === 'lines' ? good([]) : bad('A value is needed.');
}

function parseNumber({ kind, schema }: Field, text: string): FieldValue {
  const value = Number(text);
  if (Number.isNaN(value)) return bad('This is not a number.');
  if (!isExact(value)) return bad(INEXACT);
  if (kind === 'integer' && !Number.isInteger(value)) return bad('This is not a whole number.');
  if (schema.minimum !== undefined && value < schema.minimum) return bad(`At least ${schema.minimum}.`);
  if (schema.maximum !== undefined && value > schema.maximum) return bad(`At most ${schema.maximum}.`);
  return good(value);
}

function parseText(schema: ParamSchema, text: string): FieldValue {
  if (schema.minLength !== undefined && text.length < schema.minLength) return bad(`At least ${schema.minLength} characters.`);
  if (schema.maxLength !== undefined && text.length > schema.maxLength) return bad(`At most ${schema.maxLength} characters.`);
  return good(text);
}

export function parseJson(text: string): FieldValue {
  try {
    const value: unknown = JSON.parse(text);
    return isExact(value) ? good(value) : bad(INEXACT);
  } catch (error) {
    return bad(`This is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export interface Conf {
  conf: Record<string, unknown>;
  /** By field name; empty if all is well. */
  problems: Record<string, string>;
}

/**
 * The run's `conf`: the params that were changed, and what was added as JSON. What is as it was is not sent: the
 * server has the default exactly as its file says it, the form only as it can show it.
 */
export function confOf(fields: readonly Field[], texts: Readonly<Record<string, string>>, extra: Record<string, unknown> = {}): Conf {
  const result: Conf = { conf: { ...extra }, problems: {} };
  for (const field of fields) {
    const text = texts[field.name] ?? field.initial;
    if (text === field.initial && (field.mayBeAbsent || field.name in extra)) continue;
    const parsed = parseField(field, text);
    if (parsed.ok) result.conf[field.name] = parsed.value;
    else result.problems[field.name] = parsed.problem;
  }
  return result;
}
